/* One kept connection to the daemon with at most one request under way, watched by an epoll of the caller's. */
#ifndef HYPERDRIVED_BENCH_EXCHANGE_H
#define HYPERDRIVED_BENCH_EXCHANGE_H

#include <stdbool.h>
#include <stddef.h>

enum { EXCHANGE_ANSWER_SIZE = 8192 };

struct exchange {
    int connection;
    int epoll;
    void *data; /* of the events that tell of it */
    char *request;
    size_t size, length, sent; /* of the request: room, bytes, of these already taken by the socket */
    bool awaits_room;          /* the socket took only a part of the request */
    char answer[EXCHANGE_ANSWER_SIZE];
    size_t received;
};

/* Connects; requests of up to `size` bytes. Whatever fails here or below ends the program. */
void exchange_open(struct exchange *exchange, const char *address, const char *port, int epoll, void *data, size_t size);
/* Sends what the caller has written into `request`. */
void exchange_send(struct exchange *exchange, size_t length);
/* To be called on an event: true when the whole answer is there, which must be a 200 with a Content-Length. */
bool exchange_answered(struct exchange *exchange, unsigned events);

#endif
