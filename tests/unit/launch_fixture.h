/* A launcher with the real monitor on a real loop, in a folder of its own: what the launcher's tests share. One test is one process. */
#ifndef TEST_LAUNCH_FIXTURE_H
#define TEST_LAUNCH_FIXTURE_H

#include "launch/launch.h"

enum {
    LOOK_MS = 5,
    STUBBORN_PROCESSES = 7, /* at least, of the fixture of that name, with its monitor */
};

/* What the callbacks told about one child. */
struct story {
    struct launch_child *child;
    unsigned running, ended, lingering, waiting;
    char waits_for[1024];
    struct launch_identity identity;
    int64_t started_us;
    struct launch_end end;
    char last_output[8192];
    bool ended_before_running;
};

extern char home[256];
extern char run[512]; /* the run folder of what is started next: <home>/runs/s/0/0 */
extern char run_id[64];
extern uv_loop_t loop;
extern uv_timer_t look; /* for waking the loop */
extern struct launch *launcher;
extern const char *fixture_cgroup, *fixture_systemd_run, *fixture_root; /* settings of a launcher that is opened next */
extern struct launch_limits fixture_limits;                             /* of what is started next */

void launch_fixture_set_up(void);
void launch_fixture_tear_down(void);
void open_launcher_with(const char *monitor, int64_t grace_us);
void open_launcher(void); /* with the real monitor and a grace of 200 ms */
void close_launcher(void);

/* Runs the loop until the condition holds, or fails the test. */
void run_until(bool (*condition)(const void *), const void *data);
bool has_ended(const void *data);  /* of a story */
bool is_running(const void *data); /* of a story */
bool log_says_ready(const void *data);
void on_look(uv_timer_t *timer);

void start_as(struct story *story, int attempt, char *const *argv, const char *working_directory, const char *snapshot);
void start(struct story *story, char *const *argv);
void start_shell(struct story *story, const char *script);
void end_shell(struct story *story, const char *script);

/* NULL if there is no such file. */
char *read_run_file(const char *name, char *buffer, size_t size);
bool run_file_exists(const char *name);
void write_file(const char *folder, const char *name, const char *text);

/* A FIFO on which scripts made by gated() wait: so a test says when they go on. */
void make_gate(void);
void open_gate(void);
const char *gated(const char *before, const char *after);

/* How many processes have the run id in their environment, or the run folder in their command line, as the monitor has. */
unsigned marked_processes(void);

#endif
