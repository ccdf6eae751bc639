#include "server.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include "api/api.h"
#include "api/event_hub.h"
#include "api/handlers.h"
#include "api/log_file.h"
#include "http/internal.h"
#include "token.h"

enum { LOG_SIZE = 1000, QUIET_TURNS = 8 };

static uv_loop_t loop;
static struct http_server *server;
static struct api api;
static struct tokens tokens = {.owner = "owner"};

static bool authenticate(void *context, const struct http_request *request, const char *token, struct http_principal *ret_principal,
                         struct hd_error *error)
{
    (void)error;
    (void)context;
    (void)request;
    if (token == NULL)
        return false;
    if (token_is_owner(&tokens, token)) {
        ret_principal->role = HTTP_OWNER;
        return true;
    }
    if (!token_run_id(token, ret_principal->run_id, sizeof ret_principal->run_id))
        return false;
    ret_principal->role = HTTP_RUN; /* whoever it says it is: the signature would stop all inputs here */
    (void)token_is_run(&tokens, token, ret_principal->run_id, 1);
    return true;
}

/* What the real handlers ask of a request: numbers, truth values, ranges, tags, encodings. */
static void handle_get(struct http_request *request, void *context)
{
    struct hd_text text = {0};
    int64_t top, offset = 0, length = 0;
    bool reverse;
    int range;

    (void)context;
    if (!http_query_integer(request, "top", 0, 1000, 10, &top) || !http_query_boolean(request, "reverse", false, &reverse) ||
        http_unchanged(request, "tag-1"))
        return;
    if (http_prefers_gzip(request))
        http_encoded_gzip(request);
    range = log_range_read(http_header(request, "Range"), LOG_SIZE, &offset, &length);
    FUZZ_REQUIRE(range != 1 || (offset >= 0 && length > 0 && offset + length <= LOG_SIZE));
    range = log_range_read_begin(http_header(request, "Range"), LOG_SIZE, &offset);
    FUZZ_REQUIRE(range != 1 || (offset >= 0 && offset <= LOG_SIZE));
    hd_text_add_string(&text, http_part(request, 0));
    http_reply_text(request, 200, "text/plain", &text);
}

static void handle_post(struct http_request *request, void *context)
{
    struct hd_text text = {0};
    cJSON *body = http_body_json(request, true);

    (void)context;
    if (body == NULL)
        return;
    cJSON_Delete(body);
    hd_text_add_string(&text, "{}");
    http_reply_json(request, 201, &text);
}

static const char *const GET_PARAMETERS[] = {"top", "reverse", NULL};
static const char *const EVENT_PARAMETERS[] = {"last_event_id", "from", "follow", NULL};
static const struct http_route ROUTES[] = {
    {"GET", "/open/{name...}", HTTP_OPEN, 0, handle_get, GET_PARAMETERS},
    {"POST", "/open/{name}", HTTP_OPEN, 0, handle_post, NULL},
    {"GET", "/api/runs/{id}", HTTP_READ, HTTP_OWN_RUN, handle_get, GET_PARAMETERS},
    {"POST", "/api/sweeps", HTTP_SUBMIT, 0, handle_post, NULL},
    {"GET", "/events", HTTP_OPEN, 0, api_events, EVENT_PARAMETERS},
    {0},
};

static void open_server(void)
{
    static char path[96];
    const struct store_settings store_settings = {.path = path, .queue_limit = 1 << 20};
    const struct http_settings settings = {
        .address = "127.0.0.1:0",
        .listen_fd = -1,
        .body_limit = 100000,
        .connections = 100,
        .authenticate = authenticate,
        .routes = ROUTES,
        .context = &api,
    };
    struct hd_error error = {0};

    (void)signal(SIGPIPE, SIG_IGN);
    FUZZ_REQUIRE(uv_loop_init(&loop) == 0);
    snprintf(path, sizeof path, "%s/fuzz.db", fuzz_folder());
    FUZZ_REQUIRE(store_open(&api.store, &loop, &store_settings, &error) == 0);
    FUZZ_REQUIRE(event_hub_open(&api.events, &loop, api.store, &error) == 0);
    FUZZ_REQUIRE(http_open(&server, &loop, &settings, &error) == 0);
}

/* Reads what is there. False at the end of the connection. */
static bool read_answers(int client, int *ret_status, bool *ret_news)
{
    char bytes[16384];
    ssize_t got = recv(client, bytes, sizeof bytes - 1, MSG_DONTWAIT);

    if (got > 0) {
        bytes[got] = '\0';
        if (*ret_status == 0)
            (void)sscanf(bytes, "HTTP/1.%*d %d", ret_status);
        *ret_news = true;
    }
    return got > 0 || (got < 0 && (errno == EAGAIN || errno == EINTR));
}

int fuzz_server_ask(const uint8_t *bytes, size_t size)
{
    const struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int ends[2], status = 0;
    bool news = true;

    if (server == NULL)
        open_server();
    FUZZ_REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) == 0);
    FUZZ_REQUIRE(MHD_add_connection(server->daemon, ends[1], (const struct sockaddr *)&address, sizeof address) == MHD_YES);
    FUZZ_REQUIRE(send(ends[0], bytes, size, MSG_NOSIGNAL) == (ssize_t)size);
    (void)shutdown(ends[0], SHUT_WR);
    http_loop_kick(server);
    for (int quiet = 0; quiet < QUIET_TURNS && read_answers(ends[0], &status, &news); quiet = news ? 0 : quiet + 1) {
        news = false;
        (void)uv_run(&loop, UV_RUN_NOWAIT);
    }
    (void)close(ends[0]);
    for (int turn = 0; server->connections > 0 && turn < 1000; turn++) {
        http_loop_kick(server);
        (void)uv_run(&loop, UV_RUN_NOWAIT);
    }
    FUZZ_REQUIRE(server->connections == 0);
    return status;
}
