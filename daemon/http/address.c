/* How many connections each address has, so that one of them cannot take all. The machine's own programs are trusted with that: they are
 * what the daemon is for, and come by the hundred from one address. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

struct http_address {
    struct http_address *next; /* in its bucket */
    unsigned char bytes[16];
    unsigned connections;
};

/* An IPv4 address as IPv6 writes it; of an IPv6 address the network, since whoever has one has all of its addresses. False for the loopback
 * and for what is no address of the network. */
static bool read_address(const struct sockaddr *peer, unsigned char bytes[16])
{
    static const unsigned char MAPPED[12] = {[10] = 0xff, 0xff};
    struct in6_addr v6;
    if (peer->sa_family == AF_INET) {
        memcpy(v6.s6_addr, MAPPED, sizeof MAPPED);
        memcpy(v6.s6_addr + sizeof MAPPED, &((const struct sockaddr_in *)peer)->sin_addr, 4);
    } else if (peer->sa_family == AF_INET6) {
        v6 = ((const struct sockaddr_in6 *)peer)->sin6_addr;
    } else {
        return false;
    }
    bool mapped = IN6_IS_ADDR_V4MAPPED(&v6);
    if (IN6_IS_ADDR_LOOPBACK(&v6) || (mapped && v6.s6_addr[12] == 127))
        return false;
    if (!mapped)
        memset(v6.s6_addr + 8, 0, 8);
    memcpy(bytes, v6.s6_addr, 16);
    return true;
}

static struct http_address **bucket_of(struct http_server *server, const unsigned char bytes[16])
{
    unsigned sum = 0;
    for (int i = 0; i < 16; i++)
        sum = sum * 31 + bytes[i];
    return &server->addresses[sum % HTTP_ADDRESS_BUCKETS];
}

static struct http_address *find_or_add(struct http_server *server, const unsigned char bytes[16])
{
    struct http_address **bucket = bucket_of(server, bytes);
    for (struct http_address *address = *bucket; address != NULL; address = address->next)
        if (memcmp(address->bytes, bytes, sizeof address->bytes) == 0)
            return address;
    struct http_address *address = calloc(1, sizeof *address);
    if (address == NULL)
        return NULL;
    memcpy(address->bytes, bytes, sizeof address->bytes);
    address->next = *bucket;
    *bucket = address;
    return address;
}

unsigned http_address_enter(struct http_connection *peer)
{
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(peer->connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    unsigned char bytes[16];
    if (info == NULL || info->client_addr == NULL || !read_address(info->client_addr, bytes))
        return 0;
    peer->address = find_or_add(peer->server, bytes);
    /* One that cannot be counted still counts against the limit of all. */
    return peer->address != NULL ? ++peer->address->connections : 0;
}

void http_address_leave(struct http_connection *peer)
{
    if (peer->address == NULL || --peer->address->connections > 0)
        return;
    struct http_address **link = bucket_of(peer->server, peer->address->bytes);
    while (*link != peer->address)
        link = &(*link)->next;
    *link = peer->address->next;
    free(peer->address);
}
