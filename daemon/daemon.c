#include "daemon.h"

#include <inttypes.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>
#include <uv.h>

#include "api/api.h"
#include "api/audit.h"
#include "api/event_hub.h"
#include "api/follow.h"
#include "check_settings.h"
#include "http/certificate.h"
#include "http/http.h"
#include "kept_environment.h"
#include "listener.h"
#include "log.h"
#include "lost_database.h"
#include "notify.h"
#include "reload.h"
#include "state.h"
#include "store/fault_vfs.h"
#include "store/store.h"
#include "sweep/sweep.h"
#include "tls.h"
#include "token.h"
#include "upkeep.h"
#include "who.h"

struct daemon {
    struct settings *settings; /* in force; a reload may change them */
    struct reload reload;
    uv_loop_t loop;
    uv_signal_t terminate, interrupt, hang_up;
    uv_timer_t watchdog;
    struct tokens tokens;
    struct socket_access socket_access;
    struct listener listener; /* what the service manager handed over; its descriptor is the server's */
    struct store *store;
    struct http_certificate *certificate; /* read, and not yet the server's */
    struct http_server *http;
    struct api api;
    struct sweeps *sweeps;
    struct upkeep upkeep;
    bool upkeep_open;
    char authorities[4096]; /* path of the copy of tls_ca */
    char **environment;     /* what children get of ours; the strings are environ's */
    struct state_locks locks;
    bool loop_open;
    bool stopping;
};

/* --- Who asks ----------------------------------------------------------------------------------------------------------------------------
 */

static bool authenticate(void *context, const struct http_request *request, const char *token, struct http_principal *ret_principal,
                         struct hd_error *error)
{
    struct daemon *daemon = (struct daemon *)((char *)context - offsetof(struct daemon, api));

    if (token == NULL)
        return who_connects(&daemon->socket_access, request, ret_principal);
    return who_presents(&daemon->tokens, daemon->store, token, ret_principal, error);
}

static void run_token(void *context, const char *run_id, int attempt, char *buffer, size_t size)
{
    struct daemon *daemon = context;

    token_for_run(&daemon->tokens, run_id, attempt, buffer, size);
}

static void complain(void *context, const char *line)
{
    (void)context;
    log_line(LOG_LEVEL_DEBUG, "http: %s", line);
}

static void warn(void *context, const char *line)
{
    (void)context;
    log_line(LOG_LEVEL_WARNING, "http: %s", line);
}

/* --- Stop: no requests, then no children's events, then no writes. A start that failed goes the same way with the rooms it has.
 * ------------ */

static void on_store_closed(void *data)
{
    struct daemon *daemon = data;

    if (daemon->sweeps != NULL)
        sweeps_free(daemon->sweeps);
    uv_close((uv_handle_t *)&daemon->terminate, NULL);
    uv_close((uv_handle_t *)&daemon->interrupt, NULL);
    uv_close((uv_handle_t *)&daemon->hang_up, NULL);
    uv_close((uv_handle_t *)&daemon->watchdog, NULL);
}

static void on_sweeps_closed(void *data)
{
    struct daemon *daemon = data;

    if (daemon->store != NULL)
        store_close(daemon->store, on_store_closed, daemon);
    else
        on_store_closed(daemon);
}

static void on_upkeep_closed(void *data)
{
    struct daemon *daemon = data;

    event_hub_close(daemon->api.events);
    followers_close(daemon->api.followers);
    if (daemon->sweeps != NULL)
        sweeps_close(daemon->sweeps, on_sweeps_closed, daemon);
    else
        on_sweeps_closed(daemon);
}

static void on_api_idle(void *data)
{
    struct daemon *daemon = data;

    if (daemon->upkeep_open)
        upkeep_close(&daemon->upkeep, on_upkeep_closed, daemon);
    else
        on_upkeep_closed(daemon);
}

static void on_http_closed(void *data)
{
    struct daemon *daemon = data;

    api_when_idle(&daemon->api, on_api_idle, daemon);
}

static void on_children_ended(void *data)
{
    struct daemon *daemon = data;

    if (daemon->http != NULL)
        http_close(daemon->http, on_http_closed, daemon);
    else
        on_http_closed(daemon);
}

static void on_stop(uv_signal_t *handle, int number)
{
    struct daemon *daemon = handle->data;

    (void)number;
    if (daemon->stopping)
        return;
    daemon->stopping = daemon->reload.stopped = true;
    notify_send("STOPPING=1\nSTATUS=Stopping");
    if (daemon->sweeps != NULL)
        sweeps_stop_looking(daemon->sweeps);
    log_line(LOG_LEVEL_INFO, daemon->settings->stop_children ? "stopping, and ending all children" : "stopping; children go on");
    if (daemon->settings->stop_children)
        sweeps_end_children(daemon->sweeps, on_children_ended, daemon);
    else
        on_children_ended(daemon);
}

/* --- SIGHUP ------------------------------------------------------------------------------------------------------------------------------
 */

/* On the pool. The files may be others although their names are not. */
static int read_certificate_again(void *data, const struct settings *fresh, struct hd_error *error)
{
    struct daemon *daemon = data;
    struct http_certificate *certificate;
    int result;

    if ((fresh->tls_certificate == NULL) != (daemon->settings->tls_certificate == NULL))
        return hd_error_set(error, HD_INVALID,
                            "whether there is a 'tls_certificate' cannot change while the daemon runs: that needs a restart");
    if (fresh->tls_certificate == NULL)
        return 0;
    result = http_certificate_read(&certificate, fresh->tls_certificate, fresh->tls_key, error);
    if (result != 0)
        return result;
    result = tls_copy_authorities(daemon->settings, error);
    if (result != 0) {
        http_certificate_leave(certificate);
        return result;
    }
    daemon->certificate = certificate;
    return 0;
}

static int apply_settings(void *data, const struct settings *fresh, struct hd_error *error)
{
    struct daemon *daemon = data;
    struct sweeps_settings sweeps_settings = {.grace_us = fresh->stop_grace_us,
                                              .log_limit = fresh->log_limit,
                                              .snapshot_limit = fresh->snapshot_limit,
                                              .policy_memory = fresh->policy_memory_mb << 20};
    char **environment = NULL;
    int result = kept_environment(fresh->environment_keep, &environment, error);

    if (result != 0) {
        http_certificate_leave(daemon->certificate);
        daemon->certificate = NULL;
        return result;
    }
    sweeps_settings.slots = fresh->slots;
    sweeps_settings.environment = environment;
    log_set_level(fresh->log_level);
    http_set_limits(daemon->http, (size_t)fresh->body_limit, fresh->header_timeout_us, fresh->body_timeout_us);
    store_set_queue_limit(daemon->store, fresh->write_queue);
    __atomic_store_n(&daemon->api.big_answers, (int)fresh->big_answers, __ATOMIC_RELAXED);
    daemon->api.audit_days = fresh->audit_days;
    sweeps_change_settings(daemon->sweeps, &sweeps_settings);
    free(daemon->environment);
    daemon->environment = environment;
    if (daemon->certificate != NULL) {
        tls_remark_on(daemon->certificate, http_url(daemon->http));
        http_set_certificate(daemon->http, daemon->certificate);
        daemon->certificate = NULL;
    }
    return 0;
}

static void on_hang_up(uv_signal_t *handle, int number)
{
    struct daemon *daemon = handle->data;

    (void)number;
    reload_start(&daemon->reload, &daemon->loop);
}

static void on_watchdog(uv_timer_t *timer)
{
    (void)timer;
    notify_send("WATCHDOG=1");
}

/* --- Start -------------------------------------------------------------------------------------------------------------------------------
 */

static int open_loop(struct daemon *daemon, struct hd_error *error)
{
    uint64_t period_ms = (uint64_t)notify_watchdog_period_us() / 1000;

    if (uv_loop_init(&daemon->loop) != 0)
        return hd_error_set(error, HD_UNAVAILABLE, "cannot make the event loop");
    if (uv_signal_init(&daemon->loop, &daemon->terminate) != 0 || uv_signal_init(&daemon->loop, &daemon->interrupt) != 0 ||
        uv_signal_init(&daemon->loop, &daemon->hang_up) != 0 || uv_timer_init(&daemon->loop, &daemon->watchdog) != 0 ||
        uv_signal_start(&daemon->terminate, on_stop, SIGTERM) != 0 || uv_signal_start(&daemon->interrupt, on_stop, SIGINT) != 0 ||
        uv_signal_start(&daemon->hang_up, on_hang_up, SIGHUP) != 0 ||
        (period_ms > 0 && uv_timer_start(&daemon->watchdog, on_watchdog, 0, period_ms) != 0))
        return hd_error_set(error, HD_UNAVAILABLE, "cannot watch for signals");
    daemon->terminate.data = daemon->interrupt.data = daemon->hang_up.data = daemon;
    daemon->loop_open = true; /* only now may all four be closed; a failure above ends the process */
    return 0;
}

static int open_store(struct daemon *daemon, struct hd_error *error)
{
    char path[4096];
    struct store_settings settings = {
        .path = path,
        .vfs = fault_vfs_register(getenv("HYPERDRIVED_STORAGE_FAULTS")),
        .queue_limit = daemon->settings->write_queue,
    };

    snprintf(path, sizeof path, "%s/hyperdrive.db", daemon->settings->state_dir);
    if (lost_database_check(daemon->settings->state_dir, path, &settings.expected, error) != 0 || state_close_database(path, error) != 0)
        return -(int)error->code;
    return store_open(&daemon->store, &daemon->loop, &settings, error);
}

/* Port 0 means any free port, but the same one again after a restart: running children know no other. */
static void listen_address(const struct daemon *daemon, char *address, size_t size)
{
    const char *listen = daemon->settings->listen, *colon = strrchr(listen, ':');
    int port = state_recorded_port(daemon->settings->state_dir);

    if (http_local_path(listen) == NULL && colon != NULL && strcmp(colon, ":0") == 0 && port > 0)
        snprintf(address, size, "%.*s:%d", (int)(colon - listen), listen, port);
    else
        snprintf(address, size, "%s", listen);
}

/* Before children's environment is looked at and before other threads are there. */
static int take_listener(struct daemon *daemon, struct hd_error *error)
{
    char address[256];
    int result;

    listen_address(daemon, address, sizeof address);
    result = listener_take(address, &daemon->listener, error);
    if (result == 0 && daemon->listener.given && !listener_is_at(daemon->listener.fd, address))
        log_line(LOG_LEVEL_INFO, "a socket unit says where to listen; the setting 'listen' (%s) is not looked at",
                 daemon->settings->listen);
    return result;
}

static int open_http(struct daemon *daemon, struct hd_error *error)
{
    const struct settings *settings = daemon->settings;
    char address[256];
    struct http_settings http_settings = {
        .address = address,
        .listen_fd = daemon->listener.fd,
        .body_limit = (size_t)settings->body_limit,
        .connections = (unsigned)settings->connections,
        .connections_per_address = (unsigned)settings->connections_per_address,
        .allowed_hosts = settings->allowed_hosts,
        .certificate = daemon->certificate,
        .allow_plaintext = settings->allow_plaintext,
        .header_timeout_us = settings->header_timeout_us,
        .body_timeout_us = settings->body_timeout_us,
        .idle_timeout_us = settings->idle_timeout_us,
        .authenticate = authenticate,
        .record = audit_record,
        .complain = complain,
        .warn = warn,
        .routes = api_routes,
        .context = &daemon->api,
    };

    listen_address(daemon, address, sizeof address);
    daemon->api = (struct api){
        .loop = &daemon->loop,
        .store = daemon->store,
        .state_dir = settings->state_dir,
        .monitor = settings->monitor,
        .configuration_file = settings->configuration_file,
        .big_answers = (int)settings->big_answers,
        .audit_days = settings->audit_days,
    };
    lane_open(&daemon->api.lane, &daemon->loop, LANE_REQUESTS);
    api_backup_clear(settings->state_dir);
    snprintf(daemon->api.instance, sizeof daemon->api.instance, "%08x%08x", randombytes_random(), randombytes_random());
    if (event_hub_open(&daemon->api.events, &daemon->loop, daemon->store, error) != 0 ||
        followers_open(&daemon->api.followers, &daemon->api, error) != 0 || audit_open(&daemon->api, error) != 0)
        return -(int)error->code;
    if (http_open(&daemon->http, &daemon->loop, &http_settings, error) != 0)
        return -(int)error->code;
    if (daemon->certificate != NULL)
        tls_remark_on(daemon->certificate, http_url(daemon->http));
    daemon->certificate = NULL;
    daemon->api.http = daemon->http;
    return 0;
}

static int open_tls(struct daemon *daemon, struct hd_error *error)
{
    const struct settings *settings = daemon->settings;
    int result = 0;

    if (settings->tls_certificate != NULL)
        result = http_certificate_read(&daemon->certificate, settings->tls_certificate, settings->tls_key, error);
    return result == 0 ? tls_copy_authorities(settings, error) : result;
}

static int open_sweeps(struct daemon *daemon, struct hd_error *error)
{
    const struct sweeps_settings settings = {
        .state_dir = daemon->settings->state_dir,
        .monitor = daemon->settings->monitor,
        .cgroup = daemon->settings->cgroup,
        .systemd_run = daemon->settings->systemd_run,
        .grace_us = daemon->settings->stop_grace_us,
        .log_limit = daemon->settings->log_limit,
        .slots = daemon->settings->slots,
        .devices =
            {
                .root = daemon->settings->device_root,
                .nvidia_smi = daemon->settings->nvidia_smi,
                .gpus = daemon->settings->gpus,
                .cuda_visible = getenv("CUDA_VISIBLE_DEVICES"),
                .rocr_visible = getenv("ROCR_VISIBLE_DEVICES"),
                .hip_visible = getenv("HIP_VISIBLE_DEVICES"),
            },
        .snapshot_limit = daemon->settings->snapshot_limit,
        .policy_memory = daemon->settings->policy_memory_mb << 20,
        .environment = daemon->environment,
        .url = http_url(daemon->http),
        .run_as_users = daemon->settings->run_as_users,
        .authorities = daemon->settings->tls_ca != NULL ? daemon->authorities : NULL,
        .run_token = run_token,
        .context = daemon,
    };
    int result;

    snprintf(daemon->authorities, sizeof daemon->authorities, "%s/" TLS_AUTHORITIES, daemon->settings->state_dir);
    result = sweeps_open(&daemon->sweeps, &daemon->loop, daemon->store, &settings, error);

    daemon->api.sweeps = daemon->sweeps;
    return result;
}

static void warn_of_users(const struct settings *settings)
{
    struct hd_error error = {0};

    if (check_users(settings, &error) != 0)
        log_line(LOG_LEVEL_WARNING, "%s: sweeps that are to run as this user are refused", error.message);
}

/* Children know the address and the token that they were given, in their environment. */
static void warn_of_what_children_know(const struct daemon *daemon)
{
    const char *url = http_url(daemon->http);
    int64_t children = sweeps_adopted(daemon->sweeps);
    char before[STATE_URL_SIZE];

    state_recorded_url(daemon->settings->state_dir, before, sizeof before);
    if (children > 0 && before[0] != '\0' && strcmp(before, url) != 0)
        log_line(LOG_LEVEL_WARNING,
                 "the daemon listened on %s before, which %" PRId64 " running %s to: they cannot reach it on %s (setting 'listen'); what "
                 "libhyperdrive and hyperdrive report keep meanwhile is taken in when they end",
                 before, children, children == 1 ? "child still reports" : "children still report", url);
    if (children > 0 && daemon->tokens.new_key)
        log_line(LOG_LEVEL_WARNING,
                 "%s/secret was missing and was made anew: %" PRId64 " running %s signed with the old one (put that back, and restart)",
                 daemon->settings->state_dir, children,
                 children == 1 ? "child cannot report, since its token was" : "children cannot report, since their tokens were");
}

static int open_rooms(struct daemon *daemon, struct hd_error *error)
{
    int result = check_settings(daemon->settings, error);

    if (result == 0)
        result = check_monitor(daemon->settings, error);
    if (result == 0)
        result = state_open(daemon->settings->state_dir, daemon->settings->run_as_users[0] != NULL, &daemon->locks, error);
    if (result == 0)
        result = take_listener(daemon, error);
    if (result == 0)
        result = open_tls(daemon, error);
    if (result == 0)
        result = tokens_open(&daemon->tokens, daemon->settings->state_dir, daemon->settings->group_token, error);
    if (result == 0)
        result = socket_access_open(&daemon->socket_access, daemon->settings->socket_access, error);
    if (result == 0)
        result = kept_environment(daemon->settings->environment_keep, &daemon->environment, error);
    if (result == 0)
        result = open_loop(daemon, error);
    if (result == 0)
        result = open_store(daemon, error);
    if (result == 0)
        result = open_http(daemon, error);
    if (result == 0)
        result = open_sweeps(daemon, error);
    if (result == 0) {
        warn_of_what_children_know(daemon);
        result = state_write_url(daemon->settings->state_dir, http_url(daemon->http), error);
    }
    return result;
}

/* Connections and children need descriptors. Not more than this: children inherit the limit, and some programs walk through all of it. */
enum { DESCRIPTORS = 65536 };

static void raise_descriptor_limit(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < DESCRIPTORS && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max < DESCRIPTORS ? limit.rlim_max : DESCRIPTORS;
        (void)setrlimit(RLIMIT_NOFILE, &limit); /* the lower limit serves too */
    }
}

int daemon_run(struct settings *settings, struct hd_error *error)
{
    struct daemon daemon = {.settings = settings,
                            .locks = {.file = -1, .folder = -1},
                            .listener = {.fd = -1},
                            .reload = {.settings = settings, .prepare = read_certificate_again, .apply = apply_settings}};
    int result;

    daemon.reload.data = &daemon;
    (void)signal(SIGPIPE, SIG_IGN);
    /* Jobs of the pool wait for the disk and for processes more than they compute. libuv reads this at the first job. */
    (void)setenv("UV_THREADPOOL_SIZE", LANE_POOL_THREADS, 1);
    raise_descriptor_limit();
    result = open_rooms(&daemon, error);
    if (result == 0) {
        warn_of_users(settings);
        log_line(LOG_LEVEL_INFO, "hyperdrived %s listens on %s, state in %s", HD_VERSION, http_url(daemon.http), settings->state_dir);
        /* A Unix socket is a name in a folder, which may be cleared while the manager keeps the socket; a socket unit makes both anew. */
        if (!daemon.listener.given && http_local_path(settings->listen) == NULL)
            listener_keep(http_listening_socket(daemon.http));
        upkeep_open(&daemon.upkeep, &daemon.loop, &daemon.api, settings);
        daemon.upkeep_open = true;
        notify_send("READY=1\nSTATUS=Ready");
    } else if (daemon.loop_open) {
        on_children_ended(&daemon);
    }
    if (daemon.loop_open) {
        (void)uv_run(&daemon.loop, UV_RUN_DEFAULT);
        if (uv_loop_close(&daemon.loop) != 0)
            log_line(LOG_LEVEL_WARNING, "stopped with something left on the loop");
    }
    http_certificate_leave(daemon.certificate);
    free(daemon.environment);
    socket_access_close(&daemon.socket_access);
    state_close(&daemon.locks);
    return result;
}
