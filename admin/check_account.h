/* May the user whom --check names log in? All but the password. */
#ifndef CHECK_ACCOUNT_H
#define CHECK_ACCOUNT_H

#include "admin/check_report.h"
#include "monitor/account.h"

/* Looks the user up, as a session does. False where it may not log in. */
bool check_find_account(struct check *c, struct account *a);

/* shadow(5), shells(5), PAM. After check_pam, which knows PAM's modules. */
void check_account(struct check *c);

#endif
