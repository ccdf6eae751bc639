/* Messages to the service manager: sd_notify's datagram protocol. */
#ifndef HYPERDRIVED_NOTIFY_H
#define HYPERDRIVED_NOTIFY_H

#include <stdint.h>

/* Sends `state` ("READY=1\nSTATUS=...") to $NOTIFY_SOCKET; without one it does nothing. */
void notify_send(const char *state);
/* The same with a copy of `descriptor`. */
void notify_send_descriptor(const char *state, int descriptor);
/* Half of $WATCHDOG_USEC if it is meant for this process, else 0: how often to send WATCHDOG=1. */
int64_t notify_watchdog_period_us(void);

#endif
