#include <fcntl.h>
#include <ftw.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fuzz.h"

static char folder[64];

char *fuzz_string(const uint8_t *data, size_t size)
{
    char *string = malloc(size + 1);

    FUZZ_REQUIRE(string != NULL);
    if (size > 0)
        memcpy(string, data, size);
    string[size] = '\0';
    return string;
}

int fuzz_file(const void *data, size_t size)
{
    int file = memfd_create("fuzz", MFD_CLOEXEC);

    FUZZ_REQUIRE(file >= 0);
    FUZZ_REQUIRE(pwrite(file, data, size, 0) == (ssize_t)size);
    return file;
}

static int remove_entry(const char *path, const struct stat *status, int kind, struct FTW *position)
{
    (void)status;
    (void)kind;
    (void)position;
    return remove(path);
}

static void remove_folder(void)
{
    (void)nftw(folder, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

const char *fuzz_folder(void)
{
    snprintf(folder, sizeof folder, "%s/hd-fuzz-XXXXXX", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    FUZZ_REQUIRE(mkdtemp(folder) != NULL && atexit(remove_folder) == 0);
    return folder;
}

int fuzz_folder_with(const char *name, const uint8_t *data, size_t size)
{
    static int opened = -1;
    int file;

    if (opened < 0)
        opened = open(fuzz_folder(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    file = openat(opened, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    FUZZ_REQUIRE(file >= 0 && write(file, data, size) == (ssize_t)size);
    (void)close(file);
    return opened;
}
