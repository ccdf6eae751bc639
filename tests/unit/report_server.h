/* As much of hyperdrived as a reporter needs, on a thread, with mishaps on request: for tests of libhyperdrive. */
#ifndef HD_TEST_REPORT_SERVER_H
#define HD_TEST_REPORT_SERVER_H

#include <cjson/cJSON.h>
#include <pthread.h>
#include <stdbool.h>

enum { REQUESTS_MOST = 64, DEADLINE_MS = 20000 };

enum mishap {
    STORE,    /* 200 */
    STOP,     /* 200, and the run is asked to stop */
    BUSY,     /* 503 */
    REFUSE,   /* 409, as the daemon says it */
    STRANGER, /* 404, of another server */
    DROP,     /* the connection is closed without an answer */
    HOLD,     /* no answer until report_server_open_gate(), then 200 */
};

struct report_server {
    int listener, port;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    const enum mishap *mishaps; /* of one request after the other; behind them `rest` */
    int mishap_count;
    enum mishap rest;
    char *requests[REQUESTS_MOST]; /* head and body */
    int count;
    bool gate_open, closing;
};

/* Sets HYPERDRIVE_URL and the other variables of a run. */
void report_server_open(struct report_server *server, const enum mishap *mishaps, int mishap_count, enum mishap rest);
/* The same on a Unix socket, for which the URL stands. */
void report_server_open_socket(struct report_server *server, const char *path, const char *url, enum mishap rest);
void report_server_close(struct report_server *server);
void report_server_open_gate(struct report_server *server);
/* What comes from now on. */
void report_server_go_on(struct report_server *server, enum mishap rest);
/* Waits for so many requests in all. */
void report_server_wait(struct report_server *server, int count);
int report_server_count(struct report_server *server);
/* Body of a request that has come. */
const char *report_server_body(struct report_server *server, int number);

#endif
