/* SPDX-License-Identifier: MIT */
#pragma once
struct ec_container;
struct ec_err;
struct ec_op;
struct report;
/* Removes what belongs to containers; what cannot be removed is added to the report. */
struct removal {
        struct ec_op *op;
        struct report *report;
        char **journal_links; /* links of the host's journal directory: path, target, path, target ... */
};
void removal_done(struct removal *m);
/* Before the removals, and again after a container has run. */
void removal_read_journal(struct removal *m);
int remove_container(struct removal *m, const struct ec_container *c, struct ec_err *err);
/* Only what the container made while it ran. */
int remove_container_data(struct removal *m, const struct ec_container *c, struct ec_err *err);
