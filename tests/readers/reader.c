/* What tests/tests/other_languages.rs asks of c/shmem.h; reader.py and examples/dotnet/Reader.cs are asked the same.

       reader probe DIRECTORY            says of each file how opening it, and a copy of its value, ended
       reader read NAME COUNT CHANGES    copies a `Checked` out, so many times, and until it has changed so often
       reader items NAME COUNT CHANGES   the same for the items of an array of `Checked`
       reader wait NAME COUNT            waits for so many versions, and says how late it was
       reader fields NAME [PATH]...      says where fields lie
*/
#include "shmem.h"

#include <dirent.h>

static void fail(int error, const char *what)
{
    if (error != SHMEM_OK) {
        printf("%s: %s\n", what, shmem_error_name(error));
        exit(2);
    }
}

static int probe(const char *directory)
{
    struct dirent **entries;
    char path[4096];
    int count = scandir(directory, &entries, NULL, alphasort);
    for (int i = 0; i < count; free(entries[i++])) {
        shmem object;
        if (entries[i]->d_name[0] == '.')
            continue;
        snprintf(path, sizeof path, "%s/%s", directory, entries[i]->d_name);
        int error = shmem_open_path(&object, path);
        printf("%s %s", entries[i]->d_name, shmem_error_name(error));
        if (error == SHMEM_OK) {
            unsigned char *out = malloc(object.word[10] + 1);
            unsigned char item[64];
            uint64_t version;
            shmem_part part;
            if (out == NULL)
                return 1;
            error = shmem_load(&object, out, object.word[10], &version);
            shmem_load_item(&object, 0, item, object.word[26] < sizeof item ? object.word[26] : sizeof item);
            shmem_field(&object, "no.such.field", &part);
            shmem_wait(&object, shmem_version(&object), 0, &version);
            printf(" %s", shmem_error_name(error));
            free(out);
            shmem_close(&object);
        }
        printf("\n");
    }
    free(entries);
    return count < 0;
}

/* Whether each word follows from the first, as in tests/src/value.rs. */
static int is_whole(const uint64_t *words, uint64_t count)
{
    uint64_t word = words[0] * UINT64_C(0x9E3779B97F4A7C15);
    for (uint64_t i = count; i-- > 2; word += words[0] | 1)
        if (words[i] != word)
            return 0;
    return 1;
}

static int read_all(const char *name, uint64_t count, uint64_t wanted, int items)
{
    shmem object;
    fail(shmem_open(&object, name), "open");
    uint64_t size = items ? object.word[26] : object.word[10], torn = 0, changes = 0, last = 0, reads = 0, version;
    uint64_t *value = malloc(size);
    if (value == NULL)
        return 1;
    for (; reads < count || changes < wanted; reads++) {
        int error;
        do /* a writer that is not given the processor may keep a value in the middle of a change for long */
            error = items ? shmem_load_item(&object, reads % shmem_len(&object), value, size)
                          : shmem_load(&object, value, size, &version);
        while (error == SHMEM_BUSY);
        fail(error, "load");
        torn += !is_whole(value, size / 8);
        changes += value[0] != last;
        last = value[0];
    }
    printf("%llu reads, %llu torn, %llu changes\n", (unsigned long long)reads, (unsigned long long)torn,
           (unsigned long long)changes);
    free(value);
    shmem_close(&object);
    return 0;
}

static int wait_all(const char *name, uint64_t count)
{
    shmem object;
    uint64_t at[8], late = 0;
    fail(shmem_open(&object, name), "open");
    uint64_t version = shmem_version(&object);
    printf("waiting\n");
    fflush(stdout);
    for (uint64_t i = 0; i < count; i++) {
        struct timespec now;
        fail(shmem_wait(&object, version, 10000, &version), "wait");
        clock_gettime(CLOCK_REALTIME, &now);
        fail(shmem_load(&object, at, sizeof at, &version), "load");
        uint64_t nanos = (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec - at[1];
        late += nanos > 20000000;
        printf("saw %llu\n", (unsigned long long)at[0]);
        fflush(stdout);
    }
    printf("%llu versions, %llu late\n", (unsigned long long)count, (unsigned long long)late);
    fflush(stdout);
    printf("%s\n", shmem_error_name(shmem_wait(&object, version, 10, &version)));
    fflush(stdout);
    printf("%s\n", shmem_error_name(shmem_wait(&object, version, 10000, &version)));
    shmem_close(&object);
    return 0;
}

static int fields(const char *name, char **paths)
{
    shmem object;
    fail(shmem_open(&object, name), "open");
    for (; *paths != NULL; paths++) {
        shmem_part part;
        int error = shmem_field(&object, *paths, &part);
        if (error != SHMEM_OK)
            printf("%s %s\n", *paths, shmem_error_name(error));
        else
            printf("%s %llu %llu %llu %s %s\n", *paths, (unsigned long long)part.offset, (unsigned long long)part.size,
                   (unsigned long long)part.count, part.kind, part.type);
    }
    shmem_close(&object);
    return 0;
}

int main(int argc, char **argv)
{
    const char *what = argc > 2 ? argv[1] : "";
    uint64_t count = argc > 3 ? strtoull(argv[3], NULL, 10) : 0;
    if (strcmp(what, "probe") == 0)
        return probe(argv[2]);
    if (strcmp(what, "read") == 0 || strcmp(what, "items") == 0)
        return read_all(argv[2], count, argc > 4 ? strtoull(argv[4], NULL, 10) : 0, what[0] == 'i');
    if (strcmp(what, "wait") == 0)
        return wait_all(argv[2], count);
    if (strcmp(what, "fields") == 0)
        return fields(argv[2], argv + 3);
    return 1;
}
