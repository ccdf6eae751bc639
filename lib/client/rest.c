#include "rest.h"

#include <curl/curl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "core/json.h"
#include "socket_url.h"

enum {
    CONNECT_TIMEOUT_SECONDS = 5,
    SILENCE_SECONDS = 300,            /* a submit answers when its snapshot is copied and synced */
    ANSWER_LIMIT = 256 * 1024 * 1024, /* bytes of an answer that is kept */
    REFUSAL_LIMIT = 4 * 1024 * 1024,
    HEADER_SIZE = 96,
};

struct rest {
    CURL *curl;
    struct curl_slist *headers; /* for requests without a body */
    struct curl_slist *headers_with_body;
    char *url;  /* as it was given */
    char *base; /* what requests begin with */
    char *source;
    bool has_token;
    bool may_pass, may_have_arrived; /* the last failure */
    struct hd_problems details;
    char curl_message[CURL_ERROR_SIZE];
};

/* One request under way. */
struct transfer {
    struct rest *rest;
    const struct rest_request *request;
    struct hd_text text;
    int64_t skip; /* bytes that were not asked for: a range was, and the server does not serve ranges */
    bool placed;  /* where the range begins was looked at */
    bool too_large;
    bool sink_ended;
};

static int out_of_memory(struct hd_error *error)
{
    return hd_error_set(error, HD_UNAVAILABLE, "memory is short");
}

static bool add_header(struct curl_slist **list, const char *header)
{
    struct curl_slist *longer = curl_slist_append(*list, header);

    if (longer != NULL) {
        *list = longer;
    }
    return longer != NULL;
}

static bool make_headers(struct rest *rest, const char *token)
{
    struct hd_text authorization = {0};
    bool made = true;

    if (token != NULL) {
        hd_text_format(&authorization, "Authorization: Bearer %s", token);
        made = !authorization.failed && add_header(&rest->headers, authorization.data) &&
               add_header(&rest->headers_with_body, authorization.data);
        hd_text_clear(&authorization);
    }
    /* Without "Expect:" curl waits a second before it sends a body above 1 MiB. */
    return made && add_header(&rest->headers, "Accept: application/json, text/plain, text/event-stream") &&
           add_header(&rest->headers_with_body, "Accept: application/json") &&
           add_header(&rest->headers_with_body, "Content-Type: application/json") && add_header(&rest->headers_with_body, "Expect:");
}

/* A daemon that has not kept the beginning of the range sends what is left of it. */
static void tell_place(struct transfer *transfer)
{
    const struct rest_request *request = transfer->request;
    struct curl_header *header;
    long long offset;

    if (transfer->placed || request->placed == NULL) {
        return;
    }
    transfer->placed = true;
    if (curl_easy_header(transfer->rest->curl, "Content-Range", 0, CURLH_HEADER, -1, &header) == CURLHE_OK &&
        strncmp(header->value, "bytes ", strlen("bytes ")) == 0) {
        offset = strtoll(header->value + strlen("bytes "), NULL, 10);
        if (offset != request->range_from) {
            request->placed(request->data, offset);
        }
    }
}

static size_t receive(char *bytes, size_t size, size_t count, void *data)
{
    struct transfer *transfer = data;
    size_t length = size * count;
    long status = 0;

    curl_easy_getinfo(transfer->rest->curl, CURLINFO_RESPONSE_CODE, &status);
    if (status == 200 && transfer->skip > 0) {
        size_t skipped = (uint64_t)transfer->skip < length ? (size_t)transfer->skip : length;

        transfer->skip -= (int64_t)skipped;
        bytes += skipped;
        length -= skipped;
    }
    if (transfer->request->sink != NULL && status >= 200 && status < 300) {
        if (status == 206) {
            tell_place(transfer);
        }
        transfer->sink_ended = !transfer->request->sink(transfer->request->data, bytes, length);
        return transfer->sink_ended ? 0 : size * count;
    }
    if (transfer->text.length + length > (size_t)(status < 300 ? ANSWER_LIMIT : REFUSAL_LIMIT)) {
        transfer->too_large = true;
        return 0;
    }
    hd_text_add(&transfer->text, bytes, length);
    return transfer->text.failed ? 0 : size * count;
}

/* Whoever waits for what happens must notice that the network went away without a word: the kernel asks the other side now and then. What
 * fails here only makes that take longer; on a Unix socket there is nothing to notice. */
static int keep_asking(void *data, curl_socket_t descriptor, curlsocktype purpose)
{
    static const int ON = 1, IDLE_SECONDS = 20, INTERVAL_SECONDS = 10, PROBES = 3;

    (void)data;
    (void)purpose;
    (void)setsockopt(descriptor, SOL_SOCKET, SO_KEEPALIVE, &ON, sizeof(ON));
    (void)setsockopt(descriptor, IPPROTO_TCP, TCP_KEEPIDLE, &IDLE_SECONDS, sizeof(IDLE_SECONDS));
    (void)setsockopt(descriptor, IPPROTO_TCP, TCP_KEEPINTVL, &INTERVAL_SECONDS, sizeof(INTERVAL_SECONDS));
    (void)setsockopt(descriptor, IPPROTO_TCP, TCP_KEEPCNT, &PROBES, sizeof(PROBES));
    return CURL_SOCKOPT_OK;
}

static void set_options(struct rest *rest)
{
    CURL *curl = rest->curl;

    /* These cannot fail with a libcurl that has HTTP. */
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, rest->curl_message);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_PROXY, ""); /* a token must not travel through what http_proxy happens to name */
    curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(curl, CURLOPT_USERAGENT, "hyperdrive/" HD_VERSION);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_TIMEOUT_SECONDS);
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(curl, CURLOPT_SOCKOPTFUNCTION, keep_asking);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, receive);
}

/* Between machines bytes cost more than the time to compress them; on one machine it is the other way round. */
static bool is_near(const char *url)
{
    static const char *const near[] = {"127.", "localhost", "[::1]"};
    const char *host = strstr(url, "://");

    if (hd_is_socket_url(url)) {
        return true;
    }

    for (size_t i = 0; host != NULL && i < sizeof(near) / sizeof(near[0]); i++) {
        if (strncasecmp(host + 3, near[i], strlen(near[i])) == 0) {
            return true;
        }
    }
    return false;
}

int rest_open(struct rest **ret_rest, const struct address *address, struct hd_error *error)
{
    char socket_path[HD_SOCKET_PATH_SIZE];
    struct rest *rest;

    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        return out_of_memory(error);
    }
    rest = calloc(1, sizeof(*rest));
    if (rest == NULL) {
        curl_global_cleanup();
        return out_of_memory(error);
    }
    rest->curl = curl_easy_init();
    rest->url = strdup(address->url);
    rest->base = strdup(hd_is_socket_url(address->url) ? "http://localhost" : address->url);
    rest->source = strdup(address->source);
    rest->has_token = address->token != NULL;
    if (rest->curl == NULL || rest->url == NULL || rest->base == NULL || rest->source == NULL || !make_headers(rest, address->token)) {
        rest_close(rest);
        return out_of_memory(error);
    }
    set_options(rest);
    if ((address->authorities != NULL && curl_easy_setopt(rest->curl, CURLOPT_CAINFO, address->authorities) != CURLE_OK) ||
        (hd_socket_url(address->url, socket_path) != NULL &&
         curl_easy_setopt(rest->curl, CURLOPT_UNIX_SOCKET_PATH, socket_path) != CURLE_OK)) {
        rest_close(rest);
        return out_of_memory(error);
    }
    if (!is_near(address->url)) {
        curl_easy_setopt(rest->curl, CURLOPT_ACCEPT_ENCODING, "gzip"); /* a libcurl without zlib does not ask for it */
    }
    *ret_rest = rest;
    return 0;
}

void rest_close(struct rest *rest)
{
    if (rest == NULL) {
        return;
    }
    curl_easy_cleanup(rest->curl);
    curl_slist_free_all(rest->headers);
    curl_slist_free_all(rest->headers_with_body);
    hd_problems_clear(&rest->details);
    free(rest->url);
    free(rest->base);
    free(rest->source);
    free(rest);
    curl_global_cleanup();
}

static const char *string_member(const cJSON *object, const char *name)
{
    return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, name));
}

static enum hd_code code_of(int status, const char *name)
{
    static const struct {
        enum hd_code code;
        const char *name;
        int status;
    } codes[] = {
#define X(code, name, status) {code, name, status},
        HD_CODES(X)
#undef X
    };
    const size_t count = sizeof(codes) / sizeof(codes[0]);

    for (size_t i = 0; name != NULL && i < count; i++) {
        if (strcmp(codes[i].name, name) == 0) {
            return codes[i].code;
        }
    }
    for (size_t i = 0; i < count; i++) {
        if (codes[i].status == status) {
            return codes[i].code;
        }
    }
    return status >= 500 ? HD_INTERNAL : HD_INVALID;
}

/* Another server on the daemon's port does not count. */
static bool is_final(int status, const char *message)
{
    return message != NULL && status >= 400 && status < 500 && status != 408 && status != 429;
}

/* An answer outside 200..299 as an error. */
static int refused(struct rest *rest, int status, const struct hd_text *text, struct hd_error *error)
{
    cJSON *json = text->data != NULL ? hd_json_parse_own(text->data) : NULL;
    const cJSON *told = cJSON_GetObjectItemCaseSensitive(json, "error"), *detail;
    const char *message = string_member(told, "message"), *target = string_member(told, "target");
    enum hd_code code = code_of(status, string_member(told, "code"));
    int result;

    rest->may_pass = !is_final(status, message);
    rest->may_have_arrived = status == 503; /* so a daemon that stops answers, too, while what was asked may still be done */
    if (message != NULL) {
        result = hd_error_set(error, code, "%s", message);
    } else {
        result =
            hd_error_set(error, code, "%s answered with status %d, but not as hyperdrived does; is this its address?", rest->url, status);
    }
    if (error != NULL && target != NULL) {
        snprintf(error->target, sizeof(error->target), "%s", target);
    }
    if (code == HD_UNAUTHORIZED && !rest->has_token) {
        result = hd_error_wrap(error, "no token was given (set HYPERDRIVE_TOKEN, or name the state folder by --state-dir)");
    }
    cJSON_ArrayForEach(detail, cJSON_GetObjectItemCaseSensitive(told, "details"))
    {
        const char *words = string_member(detail, "message");

        hd_problems_add(&rest->details, "", string_member(detail, "target"), "%s", words != NULL ? words : "");
    }
    cJSON_Delete(json);
    return result;
}

/* A request that got no answer, or a part of one. */
static int broken(struct rest *rest, const struct transfer *transfer, CURLcode code, struct hd_error *error)
{
    const char *why = rest->curl_message[0] != '\0' ? rest->curl_message : curl_easy_strerror(code);

    if (transfer->sink_ended) {
        return hd_error_set(error, HD_INTERNAL, "the answer could not be taken");
    }
    if (transfer->too_large) {
        return hd_error_set(error, HD_TOO_LARGE, "the answer of the daemon is too large to be shown here; use --json");
    }
    if (code == CURLE_URL_MALFORMAT || code == CURLE_UNSUPPORTED_PROTOCOL) {
        return hd_error_set(error, HD_INVALID, "the address '%s' is not valid: %s", rest->url, why);
    }
    rest->may_pass = true;
    if (transfer->text.failed || code == CURLE_OUT_OF_MEMORY) {
        return out_of_memory(error);
    }
    if (code == CURLE_COULDNT_CONNECT || code == CURLE_COULDNT_RESOLVE_HOST) {
        return hd_error_set(error, HD_UNAVAILABLE, "no daemon answers at %s (from %s): is hyperdrived running? (%s)", rest->url,
                            rest->source, why);
    }
    if (code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CACERT_BADFILE) {
        return hd_error_set(error, HD_UNAVAILABLE,
                            "whoever answers at %s does not prove to be that daemon (%s); HYPERDRIVE_CA_FILE names a file with the "
                            "certificates to be believed",
                            rest->url, why);
    }
    rest->may_have_arrived = true;
    return hd_error_set(error, HD_UNAVAILABLE, "the connection to %s broke: %s", rest->url, why);
}

static void prepare(struct rest *rest, const struct rest_request *request, const char *url, struct curl_slist *headers)
{
    CURL *curl = rest->curl;

    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_HTTPGET, 1L);
    if (request->body != NULL) {
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, request->body);
        curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)strlen(request->body));
    }
    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, request->method);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, request->timeout_ms);
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, request->endless ? 0L : (long)SILENCE_SECONDS);
}

/* False: the request has none of its own. */
static bool own_header(const struct rest_request *request, char text[HEADER_SIZE])
{
    const char *name = request->last_event_id != NULL ? "Last-Event-ID" : "Idempotency-Key";
    const char *value = request->last_event_id != NULL ? request->last_event_id : request->idempotency_key;

    if (value == NULL) {
        return false;
    }
    snprintf(text, HEADER_SIZE, "%s: %s", name, value);
    return true;
}

int rest_call(struct rest *rest, const struct rest_request *request, struct rest_answer *ret_answer, struct hd_error *error)
{
    struct transfer transfer = {.rest = rest, .request = request, .skip = request->range_from};
    struct hd_text url = {0};
    struct curl_slist *headers = request->body != NULL ? rest->headers_with_body : rest->headers;
    char range[32] = "", own[HEADER_SIZE];
    struct curl_slist longer = {.data = own, .next = headers}; /* for this request only: its tail stays the rest's */
    long status = 0;
    CURLcode code;
    int result = 0;

    hd_problems_clear(&rest->details);
    rest->may_pass = rest->may_have_arrived = false;
    hd_text_format(&url, "%s%s%s", rest->base, request->root ? "" : "/api/v1", request->path);
    if (url.failed) {
        hd_text_clear(&url);
        rest->may_pass = true;
        return out_of_memory(error);
    }
    snprintf(range, sizeof(range), "%lld-", (long long)request->range_from);
    prepare(rest, request, url.data, own_header(request, own) ? &longer : headers);
    curl_easy_setopt(rest->curl, CURLOPT_RANGE, request->range_from > 0 ? range : NULL);
    curl_easy_setopt(rest->curl, CURLOPT_WRITEDATA, &transfer);
    rest->curl_message[0] = '\0';
    code = curl_easy_perform(rest->curl);
    curl_easy_getinfo(rest->curl, CURLINFO_RESPONSE_CODE, &status);
    hd_text_clear(&url);
    if (code != CURLE_OK) {
        result = broken(rest, &transfer, code, error);
    } else if (status < 200 || status > 299) {
        result = refused(rest, (int)status, &transfer.text, error);
    }
    if (result < 0 || ret_answer == NULL) {
        hd_text_clear(&transfer.text);
        return result;
    }
    *ret_answer = (struct rest_answer){.status = (int)status, .text = transfer.text};
    if (transfer.text.length > 0) {
        struct hd_problems problems = {0};

        ret_answer->json = hd_json_parse(transfer.text.data, transfer.text.length, &problems);
        hd_problems_clear(&problems);
    }
    return 0;
}

void rest_answer_clear(struct rest_answer *answer)
{
    cJSON_Delete(answer->json);
    hd_text_clear(&answer->text);
    *answer = (struct rest_answer){0};
}

int rest_get(struct rest *rest, const char *path, struct rest_answer *ret_answer, struct hd_error *error)
{
    struct rest_request request = {.path = path};
    struct rest_answer answer = {0};
    int result = rest_call(rest, &request, &answer, error);

    if (result < 0) {
        return result;
    }
    if (!cJSON_IsObject(answer.json)) {
        rest_answer_clear(&answer);
        return hd_error_set(error, HD_INTERNAL, "%s did not answer as hyperdrived does; is this its address?", rest->url);
    }
    *ret_answer = answer;
    return 0;
}

int rest_get_root(struct rest *rest, const char *path, struct hd_error *error)
{
    struct rest_request request = {.path = path, .root = true};
    struct rest_answer answer = {0};
    int result = rest_call(rest, &request, &answer, error);

    rest_answer_clear(&answer);
    return result;
}

bool rest_may_pass(const struct rest *rest)
{
    return rest->may_pass;
}

bool rest_may_have_arrived(const struct rest *rest)
{
    return rest->may_have_arrived;
}

const struct hd_problems *rest_details(const struct rest *rest)
{
    return &rest->details;
}

void rest_path_part(struct hd_text *path, const char *part, bool keep_slashes)
{
    for (const char *at = part; *at != '\0'; at++) {
        bool plain = (*at >= 'a' && *at <= 'z') || (*at >= 'A' && *at <= 'Z') || (*at >= '0' && *at <= '9') || strchr("-._~", *at) != NULL;

        if (plain || (*at == '/' && keep_slashes)) {
            hd_text_add_char(path, *at);
        } else {
            hd_text_format(path, "%%%02X", (unsigned char)*at);
        }
    }
}

void rest_path_query(struct hd_text *path, const char *name, const char *value)
{
    hd_text_add_char(path, path->data != NULL && strchr(path->data, '?') != NULL ? '&' : '?');
    hd_text_add_string(path, name);
    hd_text_add_char(path, '=');
    rest_path_part(path, value, false);
}
