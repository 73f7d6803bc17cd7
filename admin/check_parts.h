/* The checks, each in the file that its comment names. */
#ifndef CHECK_PARTS_H
#define CHECK_PARTS_H

#include "admin/check_report.h"

/* check_setup.c: PAM, users, files and the kernel. */
void check_pam(struct check *c);
void check_greeter(struct check *c);
void check_spool(struct check *c);
void check_state(struct check *c);
void check_kernel(struct check *c);

/*
 * check_room.c: whether deletions find room in the state directory. For one
 * user: as the user.
 */
void check_room(struct check *c, const char *dir);
void check_user_room(struct check *c, const char *state_dir,
		     const char *mailbox);

/* check_tls.c: what keeps passwords from listeners. */
void check_tls(struct check *c);

/* check_secrets.c */
void check_secrets(struct check *c);

/* check_mta.c: the locks that mail is delivered with. */
void check_mta(struct check *c);

/* check_delivery.c: where mail is delivered. */
void check_delivery(struct check *c);

/* check_elsewhere.c: whether a user's mail is in another place. */
struct account;
void check_elsewhere(struct check *c, const struct account *a);

/*
 * check_unit_options.c: the options that the units serve with, which the checks
 * after it are about unless others were given.
 */
void check_unit_options(struct check *c);

/*
 * check_sandbox.c: whether the unit's sandbox lets sessions write at path,
 * which is the place of what.
 */
void check_sandbox(struct check *c, const char *what, const char *path);

/* check_units.c: what systemd starts. */
void check_units(struct check *c);

/* check_service.c: who listens on the ports. */
void check_service(struct check *c);

/* check_names.c: capitals in login names. */
void check_login_names(struct check *c);

/* check_left.c: a user's state directory. */
void check_left(struct check *c, const char *user);

/* check_user.c: one user's login, without a password. */
void check_user(struct check *c);

#endif
