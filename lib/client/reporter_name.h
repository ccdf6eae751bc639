/* Names by which the daemon tells reporters apart: drawn anew by each, so that none takes the reports of another for its own. */
#ifndef HD_CLIENT_REPORTER_NAME_H
#define HD_CLIENT_REPORTER_NAME_H

#include <stdbool.h>

enum { HD_REPORTER_NAME_SIZE = 33 };

/* 32 hexadecimal digits; false when the system gives no random numbers. */
bool hd_reporter_name(char name[HD_REPORTER_NAME_SIZE]);

#endif
