/* Goes through a corpus once, where there is no libFuzzer: each argument is a file, or a folder of files. */
#include <dirent.h>

#include "fuzz.h"

static int files;

static void run_file(const char *path)
{
    FILE *file = fopen(path, "re");
    uint8_t *content;
    long size;

    FUZZ_REQUIRE(file != NULL && fseek(file, 0, SEEK_END) == 0 && (size = ftell(file)) >= 0);
    rewind(file);
    content = malloc(size > 0 ? (size_t)size : 1); /* exactly: what is read beyond it is found */
    FUZZ_REQUIRE(content != NULL && fread(content, 1, (size_t)size, file) == (size_t)size);
    (void)fclose(file);
    printf("%s\n", path);
    (void)fflush(stdout); /* the last line names the input that ended the program */
    (void)LLVMFuzzerTestOneInput(content, (size_t)size);
    free(content);
    files++;
}

static void run_folder(const char *folder_path, DIR *folder)
{
    struct dirent *entry;
    char path[4096];

    while ((entry = readdir(folder)) != NULL) {
        if (entry->d_type == DT_DIR)
            continue;
        FUZZ_REQUIRE((size_t)snprintf(path, sizeof path, "%s/%s", folder_path, entry->d_name) < sizeof path);
        run_file(path);
    }
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        DIR *folder = opendir(argv[i]);

        if (folder == NULL) {
            run_file(argv[i]);
            continue;
        }
        run_folder(argv[i], folder);
        (void)closedir(folder);
    }
    printf("%d inputs\n", files);
    return files > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
