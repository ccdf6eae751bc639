/* A server on a loop of its own thread, and a client that sends raw bytes. */
#ifndef TEST_HTTP_FIXTURE_H
#define TEST_HTTP_FIXTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <uv.h>

#include "http/http.h"

enum { FIXTURE_HELD = 512 };

struct fixture {
    struct http_settings settings; /* may be changed between fixture_prepare and fixture_start */
    struct http_server *server;
    uv_loop_t loop;
    uv_thread_t thread;
    uv_async_t command;
    uv_check_t check; /* answers what GET /deferred left to it */
    struct http_request *deferred;
    uv_sem_t done;        /* posted when a command has been carried out */
    uv_sem_t held_enough; /* posted when `held_wanted` requests are held */
    uv_sem_t closed;
    int action;
    int held_wanted;
    int held_count;
    struct http_request *held[FIXTURE_HELD];
    char file[64]; /* 10,000 bytes: byte i is 'a' + i % 26 */
};

void fixture_prepare(struct fixture *fixture);
void fixture_start(struct fixture *fixture);
/* Answers all held requests in one turn of the loop. */
void fixture_release(struct fixture *fixture);
/* Calls http_close; wait for `closed`. */
void fixture_begin_close(struct fixture *fixture);
/* Closes if that is not done yet, answers what is still held, ends the thread. */
void fixture_stop(struct fixture *fixture);

struct client {
    int fd;
    char *data;
    size_t length, capacity;
};

struct answer {
    int status;
    char *head; /* status line and header */
    char *body;
    size_t length;
};

void client_open(struct client *client, const struct fixture *fixture);
void client_close(struct client *client);
void client_send(struct client *client, const char *bytes);
void client_send_bytes(struct client *client, const char *bytes, size_t length);
/* Reads one answer; `head_only`: none of its body is on the way. Fails the test when none comes in 20 s. */
void client_read(struct client *client, struct answer *ret_answer, bool head_only);
/* The same for a server that may also just close the connection: false then. */
bool client_read_if_any(struct client *client, struct answer *ret_answer);
/* True if the server has closed, and sent nothing more. */
bool client_at_end(struct client *client);
void answer_clear(struct answer *answer);
/* Value of a header field of the answer, or NULL; in a static buffer. */
const char *answer_field(const struct answer *answer, const char *name);
/* One request on a connection of its own. */
void ask(const struct fixture *fixture, const char *bytes, struct answer *ret_answer);

#endif
