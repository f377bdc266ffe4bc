/* SPDX-License-Identifier: MIT */
#pragma once
#include <syslog.h>
/* Messages to stderr: "error: ...", "warning: ...", others unchanged. Colour only
 * on a terminal without NO_COLOR. Erases a progress line first (see term.h). */
void log_set_level(int level); /* default LOG_NOTICE */
int log_level(void);
void log_msg(int level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
#define log_warn(...)   log_msg(LOG_WARNING, __VA_ARGS__)
#define log_notice(...) log_msg(LOG_NOTICE, __VA_ARGS__)
#define log_info(...)   log_msg(LOG_INFO, __VA_ARGS__)
#define log_debug(...)  log_msg(LOG_DEBUG, __VA_ARGS__)
