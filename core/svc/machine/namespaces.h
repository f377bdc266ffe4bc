/* SPDX-License-Identifier: MIT */
#pragma once
#include <stdint.h>

/* 1: the process has another user namespace than we. setns() rejects our own. */
int namespaces_other_user(uint32_t pid);
