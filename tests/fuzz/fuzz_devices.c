/* What drivers say of GPUs: lines of nvidia-smi, and files of keys and values. */
#include "fuzz.h"
#include "launch/devices_parts.h"

static void require_printable(const char *text, size_t size)
{
    FUZZ_REQUIRE(memchr(text, '\0', size) != NULL);
    for (; *text != '\0'; text++)
        FUZZ_REQUIRE(*text >= ' ' && *text <= '~');
}

static void read_lines(char *text)
{
    char *rest = NULL;

    for (char *line = strtok_r(text, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest)) {
        struct gpu gpu;
        char pci[32];

        if (!devices_smi_line(line, &gpu))
            continue;
        require_printable(gpu.name, sizeof gpu.name);
        require_printable(gpu.uuid, sizeof gpu.uuid);
        FUZZ_REQUIRE(devices_is_uuid(gpu.uuid) && gpu.memory >= 0);
        FUZZ_REQUIRE(devices_pci(gpu.pci, pci) && strcmp(pci, gpu.pci) == 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = fuzz_string(data, size), value[128] = "";

    if (devices_value(text, "Model", ':', value, sizeof value))
        FUZZ_REQUIRE(value[0] != '\0');
    require_printable(value, sizeof value);
    (void)devices_number(text, "Device Minor", ':');
    (void)devices_number(text, "location_id", ' ');
    read_lines(text);
    free(text);
    return 0;
}
