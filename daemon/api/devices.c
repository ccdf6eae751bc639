/* Devices: what the machine has, who has it, drain and put back. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/json.h"
#include "core/number.h"
#include "handlers.h"
#include "resource.h"

/* --- Printing --------------------------------------------------------------------------------------------------------------------------
 */

struct printing {
    struct hd_text text;
    bool again, run_again; /* there is a device, a run in front of it */
};

static void print_number(struct hd_text *text, const char *name, double value)
{
    char number[HD_NUMBER_TEXT_SIZE];

    hd_number_json(value, number);
    hd_text_format(text, "\"%s\":%s", name, number);
}

static void print_device(void *context, const struct sweeps_device *device)
{
    struct printing *printing = context;
    struct hd_text *text = &printing->text;

    hd_text_add_string(text, printing->again ? ",{\"id\":" : "{\"id\":");
    hd_json_print_string(text, device->id);
    resource_string(text, "kind", device->kind);
    resource_string(text, "vendor", device->vendor);
    resource_string(text, "uuid", device->uuid);
    resource_string(text, "pci", device->pci);
    resource_string(text, "name", device->name);
    if (device->memory > 0)
        hd_text_format(text, ",\"memory_bytes\":%" PRId64, device->memory);
    else
        hd_text_add_string(text, ",\"memory_bytes\":null");
    resource_string(text, "state", device->state);
    hd_text_add_char(text, ',');
    print_number(text, "capacity", device->capacity);
    hd_text_add_char(text, ',');
    print_number(text, "in_use", device->in_use);
    hd_text_add_string(text, ",\"runs\":[");
    printing->again = true;
    printing->run_again = false;
}

static void print_run(void *context, const char *run_id, const char *sweep_id, double share)
{
    struct printing *printing = context;
    struct hd_text *text = &printing->text;

    hd_text_add_string(text, printing->run_again ? ",{\"run_id\":" : "{\"run_id\":");
    hd_json_print_string(text, run_id);
    resource_string(text, "sweep_id", sweep_id);
    hd_text_add_char(text, ',');
    print_number(text, "share", share);
    hd_text_add_char(text, '}');
    printing->run_again = true;
}

static void print_end(void *context)
{
    hd_text_add_string(&((struct printing *)context)->text, "]}");
}

static void print_use(struct hd_text *text, const char *name, double total, double in_use)
{
    hd_text_format(text, "\"%s\":{", name);
    print_number(text, "total", total);
    hd_text_add_char(text, ',');
    print_number(text, "in_use", in_use);
    hd_text_add_char(text, ',');
    print_number(text, "free", total > in_use ? total - in_use : 0);
}

static void print_machine(struct hd_text *text, const struct sweeps_machine *machine)
{
    hd_text_add_char(text, '{');
    print_use(text, "slots", machine->slots, machine->slots_in_use);
    hd_text_add_string(text, "},");
    print_use(text, "cpus", machine->cpus, machine->cpus_in_use);
    hd_text_format(text, ",\"machine\":%" PRId64 "},\"notes\":[", machine->real_cpus);
    for (int i = 0; machine->notes != NULL && machine->notes[i] != NULL; i++) {
        if (i > 0)
            hd_text_add_char(text, ',');
        hd_json_print_string(text, machine->notes[i]);
    }
    hd_text_add_char(text, ']');
    resource_string(text, "no_limits", machine->no_limits);
}

static struct sweeps_device_reader reader_of(struct printing *printing)
{
    return (struct sweeps_device_reader){.device = print_device, .run = print_run, .end = print_end, .context = printing};
}

/* --- Waiting for the look at the machine -----------------------------------------------------------------------------------------------
 */

struct asking {
    struct http_request *request;
    struct api *api;
    bool drained;
};

/* Calls `known` with an asking, which it frees, as soon as the devices are known. */
static void ask(struct http_request *request, struct api *api, bool drained, void (*known)(void *data))
{
    struct asking *asking = api->sweeps != NULL ? malloc(sizeof *asking) : NULL;
    struct hd_error error = {0};

    if (asking != NULL)
        *asking = (struct asking){.request = request, .api = api, .drained = drained};
    if (asking != NULL && sweeps_when_devices_known(api->sweeps, known, asking))
        return;
    free(asking);
    hd_error_set(&error, HD_UNAVAILABLE, api->sweeps == NULL ? "the daemon is not ready yet" : "out of memory");
    http_reply_error(request, &error);
}

static void reply_devices(void *data)
{
    struct asking *asking = data;
    struct printing printing = {.again = false};
    const struct sweeps_device_reader reader = reader_of(&printing);
    struct sweeps_machine machine;

    sweeps_read_machine(asking->api->sweeps, &machine);
    print_machine(&printing.text, &machine);
    hd_text_add_string(&printing.text, ",\"devices\":[");
    sweeps_read_devices(asking->api->sweeps, &reader);
    hd_text_add_string(&printing.text, "]}");
    http_reply_json(asking->request, 200, &printing.text);
    hd_text_clear(&printing.text);
    free(asking);
}

void api_list_devices(struct http_request *request, void *context)
{
    ask(request, context, false, reply_devices);
}

/* --- Drain and put back ----------------------------------------------------------------------------------------------------------------
 */

static void on_device_set(void *data, const struct hd_error *error)
{
    struct asking *asking = data;
    struct printing printing = {.again = false};
    const struct sweeps_device_reader reader = reader_of(&printing);

    if (error != NULL) {
        http_reply_error(asking->request, error);
    } else {
        (void)sweeps_read_device(asking->api->sweeps, http_part(asking->request, 0), &reader); /* it was found, and stays */
        http_reply_json(asking->request, 200, &printing.text);
    }
    hd_text_clear(&printing.text);
    free(asking);
}

static void set_device(void *data)
{
    struct asking *asking = data;

    sweeps_set_device(asking->api->sweeps, http_part(asking->request, 0), asking->drained, on_device_set, asking);
}

/* {"state": "drained" or "active"} */
static bool read_state(const cJSON *body, struct hd_problems *problems)
{
    bool drained = false, given = false;

    for (const cJSON *item = body->child; item != NULL; item = item->next) {
        const char *state = cJSON_GetStringValue(item);
        char *excerpt;

        if (strcmp(item->string, "state") != 0) {
            hd_problems_add(problems, "UnknownField", item->string, "'%s' is not a known field; a device's 'state' can be changed",
                            item->string);
            continue;
        }
        given = true;
        drained = state != NULL && strcmp(state, "drained") == 0;
        if (drained || (state != NULL && strcmp(state, "active") == 0))
            continue;
        excerpt = hd_json_excerpt(item);
        hd_problems_add(problems, state != NULL ? "NotAllowed" : "WrongType", "state", "'state' must be drained or active, got %s",
                        excerpt != NULL ? excerpt : "something else");
        free(excerpt);
    }
    if (!given)
        hd_problems_add(problems, "Required", "state", "'state' is required: drained or active");
    return drained;
}

void api_change_device(struct http_request *request, void *context)
{
    struct hd_problems problems = {0};
    cJSON *body = http_body_json(request, false);
    bool drained;

    if (body == NULL)
        return;
    drained = read_state(body, &problems);
    cJSON_Delete(body);
    if (hd_problems_none(&problems))
        ask(request, context, drained, set_device);
    else
        http_reply_problems(request, &problems);
    hd_problems_clear(&problems);
}
