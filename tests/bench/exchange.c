#include "exchange.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "measure.h"

void exchange_open(struct exchange *exchange, const char *address, const char *port, int epoll, void *data, size_t size)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = data};

    exchange->data = data;
    exchange->epoll = epoll;
    exchange->size = size;
    exchange->request = malloc(size);
    exchange->connection = bench_connect(address, port);
    if (exchange->request == NULL || fcntl(exchange->connection, F_SETFL, O_NONBLOCK) < 0 ||
        epoll_ctl(epoll, EPOLL_CTL_ADD, exchange->connection, &event) < 0)
        bench_fail("cannot set up a connection: %s", strerror(errno));
}

static void write_on(struct exchange *exchange)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = exchange->data};
    bool awaits_room;

    while (exchange->sent < exchange->length) {
        ssize_t count = send(exchange->connection, exchange->request + exchange->sent, exchange->length - exchange->sent, MSG_NOSIGNAL);

        if (count < 0 && errno == EAGAIN)
            break;
        if (count < 0)
            bench_fail("cannot send a request: %s", strerror(errno));
        exchange->sent += (size_t)count;
    }
    awaits_room = exchange->sent < exchange->length;
    if (awaits_room == exchange->awaits_room)
        return; /* mostly: the load takes from the CPUs that it measures */
    exchange->awaits_room = awaits_room;
    if (awaits_room)
        event.events |= EPOLLOUT;
    if (epoll_ctl(exchange->epoll, EPOLL_CTL_MOD, exchange->connection, &event) < 0)
        bench_fail("cannot watch a connection: %s", strerror(errno));
}

void exchange_send(struct exchange *exchange, size_t length)
{
    exchange->length = length;
    exchange->sent = 0;
    exchange->received = 0;
    write_on(exchange);
}

static bool read_on(struct exchange *exchange)
{
    ssize_t count = recv(exchange->connection, exchange->answer + exchange->received, EXCHANGE_ANSWER_SIZE - 1 - exchange->received, 0);
    const char *body, *length;

    if (count < 0 && errno == EAGAIN)
        return false;
    if (count <= 0)
        bench_fail("the daemon closed a connection: %s", count < 0 ? strerror(errno) : "end of file");
    exchange->received += (size_t)count;
    exchange->answer[exchange->received] = '\0';
    body = strstr(exchange->answer, "\r\n\r\n");
    if (body == NULL)
        return false;
    length = strcasestr(exchange->answer, "\r\nContent-Length:");
    if (length == NULL || strncmp(exchange->answer, "HTTP/1.1 200", 12) != 0)
        bench_fail("a request was answered:\n%s", exchange->answer);
    return exchange->received >= (size_t)(body + 4 - exchange->answer) + strtoull(length + 17, NULL, 10);
}

bool exchange_answered(struct exchange *exchange, unsigned events)
{
    if (events & EPOLLOUT)
        write_on(exchange);
    return (events & (EPOLLIN | EPOLLHUP | EPOLLERR)) && read_on(exchange);
}
