#include "client/sequence.h"
#include "core/json.h"
#include "core/program.h"
#include "fuzz.h"

enum { CHILDREN = 3 };

static const struct hd_machine machine = {.gpus = 2, .cpus = 8};

static bool find_earlier(void *context, const char *id, struct hd_earlier *ret_earlier)
{
    (void)context;
    *ret_earlier = (struct hd_earlier){.kind = strchr(id, '_') != NULL ? HD_EARLIER_RUN : HD_EARLIER_SWEEP,
                                       .status = HD_COMPLETED,
                                       .sweep = 1,
                                       .sweep_id = "HD_a",
                                       .metric = "loss",
                                       .goal = HD_MINIMIZE};
    return true;
}

static bool parse(const cJSON *body, bool stored, struct hd_specification *ret_specification)
{
    const struct hd_specification_options options = {.seed = 7, .find_earlier = find_earlier, .machine = &machine, .stored = stored};
    struct hd_problems errors = {0}, warnings = {0};
    int result = hd_specification_parse(body, &options, &errors, &warnings, ret_specification);

    FUZZ_REQUIRE((result != 0) == (errors.count > 0) && !errors.out_of_memory && !warnings.out_of_memory);
    hd_problems_clear(&errors);
    hd_problems_clear(&warnings);
    return result == 0;
}

static void make_child(const struct hd_specification *specification, const cJSON *configuration)
{
    const struct hd_program_places places = {.outputs_directory = "/runs/1/outputs"};
    struct hd_strings arguments = {0}, argv = {0}, environment = {0};

    FUZZ_REQUIRE(specification->space == NULL || hd_space_contains(specification->space, configuration));
    if (specification->run.launcher == HD_LAUNCHER_LOCAL) {
        FUZZ_REQUIRE(hd_program_arguments(specification, configuration, &places, &arguments) == 0);
        FUZZ_REQUIRE(hd_program_argv(specification, configuration, &places, &argv) == 0 && argv.count > 0);
        FUZZ_REQUIRE(hd_program_environment(specification, configuration, &places, &environment) == 0);
    }
    hd_strings_clear(&arguments);
    hd_strings_clear(&argv);
    hd_strings_clear(&environment);
}

void fuzz_specification(const cJSON *body)
{
    struct hd_specification specification, again;
    struct sequence sequence;
    cJSON *configuration;

    if (!parse(body, false, &specification))
        return;
    FUZZ_REQUIRE(parse(specification.config, true, &again) && hd_json_equal(specification.config, again.config));
    hd_specification_clear(&again);
    sequence_open(&sequence, &specification);
    for (int i = 0; i < CHILDREN && sequence_next(&sequence, &configuration) == 1; i++) {
        make_child(&specification, configuration);
        cJSON_Delete(configuration);
    }
    sequence_close(&sequence);
    hd_specification_clear(&specification);
}
