/* shmem.h: reads the objects of the Rust library `shmem` in C. One header, C11, Linux, nothing else.

       #include "shmem.h"                     // before system headers, or with _GNU_SOURCE defined

       shmem object;
       if (shmem_open(&object, "telemetry") != SHMEM_OK) ...
       struct telemetry value;                // as the schema says; `shmem_field` finds a field by its name
       uint64_t version = 0;
       while (shmem_wait(&object, version, 1000, &version) == SHMEM_OK)
           if (shmem_load(&object, &value, sizeof value, &version) == SHMEM_OK)
               printf("%f\n", value.rpm);
       shmem_close(&object);

   It is written from docs/format.md alone, and says no more than that page. It reads, and does nothing else:
   no lock is taken, nothing is registered, and no writer ever waits for it. A value that was copied out is one
   version, whole. What the bytes of it mean, and whether they are a value at all (that a `bool` is 0 or 1), is for
   the caller to check: any program may have written them.

   The file may hold anything, and what is wrong with it is an error. But whoever owns it can cut it short while it
   is mapped, and then reading it raises SIGBUS, as with every mapping.

   Functions may be called from several threads at once, but for shmem_open… and shmem_close, and one shmem_wait at
   a time for each object. */
#ifndef SHMEM_H
#define SHMEM_H

#ifndef _GNU_SOURCE
#if defined(_FEATURES_H)
#error "include shmem.h before system headers, or define _GNU_SOURCE"
#endif
#define _GNU_SOURCE
#endif

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

_Static_assert(sizeof(void *) == 8, "where a load of 8 bytes may be an exchange, it cannot read a mapping");

/* What a function returns. The names in shmem_error_name are those of the Rust library. */
enum shmem_error {
    SHMEM_OK = 0,
    SHMEM_INVALID_NAME,       /* 1 to 1,024 bytes of UTF-8 */
    SHMEM_NOT_FOUND,          /* no such object, or one that nobody has open any more */
    SHMEM_NOT_AN_OBJECT,      /* another kind of file, or an object of another name */
    SHMEM_UNSUPPORTED_FORMAT, /* another version of the format or byte order, or a pthread lock */
    SHMEM_CORRUPT,            /* the header, the schema or a control word contradicts itself */
    SHMEM_POISONED,           /* changed in place when the power went off */
    SHMEM_UNRECOVERED,        /* no whole value since the power went off; open it with the library */
    SHMEM_PERMISSION_DENIED,
    SHMEM_BUSY,               /* for a second each copy was overtaken by writers */
    SHMEM_TIMED_OUT,
    SHMEM_REMOVED,            /* the name is gone, or leads to another object */
    SHMEM_NO_SUCH_FIELD,
    SHMEM_TOO_LARGE,          /* beyond the end of the value or of the array */
    SHMEM_IO                  /* see errno */
};

typedef struct shmem {
    const unsigned char *bytes; /* the mapping */
    uint64_t word[32];          /* the header, checked */
    char *schema;               /* a copy, as word[13] bytes and a 0 */
    char *path;
    dev_t device;
    ino_t inode;
    _Atomic uint32_t *waiters; /* the one page that a waiter writes, or NULL */
} shmem;

/* A part of the value, as the schema describes it. */
typedef struct shmem_part {
    uint64_t offset; /* from the start of the value */
    uint64_t size;
    uint64_t count;  /* items of an `array`, capacity of a `str` (in bytes) or a `vec`; else 0 */
    char kind[16];   /* as in docs/format.md: `uint`, `float`, `struct`, `array`, … */
    char type[64];   /* the name of the type, cut at 63 bytes */
} shmem_part;

static inline const char *shmem_error_name(int error)
{
    static const char *const names[] = {
        "Ok", "InvalidName", "NotFound", "NotAnObject", "UnsupportedFormat", "Corrupt", "Poisoned", "Unrecovered",
        "PermissionDenied", "Busy", "TimedOut", "Removed", "NoSuchField", "TooLarge", "Io",
    };
    return error >= 0 && error <= SHMEM_IO ? names[error] : "?";
}

/* --- Words, hashes, text --------------------------------------------------------------------------------------- */

static inline uint64_t shmem__up(uint64_t x, uint64_t n) { return (x + n - 1) / n * n; }

static inline uint64_t shmem__word(const void *at)
{
    uint64_t word;
    memcpy(&word, at, 8);
    return word;
}

static inline uint64_t shmem__control(const shmem *object, uint64_t at)
{
    const void *word = object->bytes + object->word[17] + at;
    return atomic_load_explicit((const _Atomic uint64_t *)word, memory_order_relaxed);
}

static inline uint64_t shmem__fnv1a(uint64_t hash, const void *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++)
        hash = (hash ^ ((const unsigned char *)bytes)[i]) * UINT64_C(0x100000001b3);
    return hash;
}

#define SHMEM__FNV UINT64_C(0xcbf29ce484222325)

/* Whether the bytes are UTF-8, by table 3-7 of the Unicode standard. */
static inline int shmem__is_utf8(const unsigned char *text, size_t len)
{
    for (size_t i = 0; i < len;) {
        unsigned char first = text[i++], low = 0x80, high = 0xBF;
        int more = first < 0x80 ? 0 : first < 0xC2 ? -1 : first < 0xE0 ? 1 : first < 0xF0 ? 2 : first < 0xF5 ? 3 : -1;
        if (more < 0)
            return 0;
        if (first == 0xE0) low = 0xA0;
        if (first == 0xED) high = 0x9F;
        if (first == 0xF0) low = 0x90;
        if (first == 0xF4) high = 0x8F;
        for (; more > 0; more--, low = 0x80, high = 0xBF)
            if (i == len || text[i] < low || text[i++] > high)
                return 0;
    }
    return 1;
}

/* --- The schema ------------------------------------------------------------------------------------------------ */

typedef struct shmem__text {
    const char *at;
    size_t len;
} shmem__text;

typedef struct shmem__line {
    shmem__text column[8]; /* depth, kind, offset, size, name, type, version, extra */
    uint64_t depth, offset, size, extra;
    int is_end;
} shmem__line;

typedef struct shmem__parser {
    const char *at, *end;
    unsigned lines;
    shmem__line line;  /* the next one */
    shmem_part *found; /* what the path leads to, if it does */
    int is_found;
    struct shmem__name *names; /* of fields and variants, and numbers of variants, with the line they belong to */
    size_t count;
} shmem__parser;

typedef struct shmem__name {
    unsigned parent, is_number;
    shmem__text text;
} shmem__name;

static inline int shmem__by_name(const void *a, const void *b)
{
    const shmem__name *x = a, *y = b;
    if (x->parent != y->parent)
        return x->parent < y->parent ? -1 : 1;
    if (x->is_number != y->is_number)
        return x->is_number < y->is_number ? -1 : 1;
    if (x->text.len != y->text.len)
        return x->text.len < y->text.len ? -1 : 1;
    return memcmp(x->text.at, y->text.at, x->text.len);
}

static inline void shmem__note(shmem__parser *parser, unsigned parent, unsigned is_number, shmem__text text)
{
    shmem__name name = {parent, is_number, text};
    parser->names[parser->count++] = name;
}

static inline int shmem__is(shmem__text text, const char *word)
{
    return text.len == strlen(word) && memcmp(text.at, word, text.len) == 0;
}

/* A decimal number without a sign or leading zeros. */
static inline int shmem__number(shmem__text text, uint64_t *number)
{
    *number = 0;
    if (text.len == 0 || (text.at[0] == '0' && text.len > 1))
        return 0;
    for (size_t i = 0; i < text.len; i++) {
        uint64_t digit = (uint64_t)((unsigned char)text.at[i]) - '0';
        if (digit > 9 || *number > (UINT64_MAX - digit) / 10)
            return 0;
        *number = *number * 10 + digit;
    }
    return 1;
}

static inline int shmem__next_line(shmem__parser *parser)
{
    shmem__line *line = &parser->line;
    memset(line, 0, sizeof *line);
    line->is_end = parser->at == parser->end;
    if (line->is_end)
        return 1;
    parser->lines++;
    for (int i = 0; i < 8; i++) {
        const char *start = parser->at, *p = start;
        for (; *p != '\t' && *p != '\n'; p++) {
            unsigned char byte = (unsigned char)p[0], next = (unsigned char)p[1];
            if (byte < 0x20 || byte == 0x7F || (byte == 0xC2 && next < 0xA0))
                return 0;
        }
        if (*p != (i < 7 ? '\t' : '\n'))
            return 0;
        line->column[i].at = start;
        line->column[i].len = (size_t)(p - start);
        parser->at = p + 1;
    }
    return shmem__number(line->column[0], &line->depth) && shmem__number(line->column[2], &line->offset) &&
           shmem__number(line->column[3], &line->size);
}

/* The size of the integer type that an enum is stored as; 0 if there is none of that name. */
static inline uint64_t shmem__repr(shmem__text repr)
{
    static const char *const names[] = {"8", "16", "32", "64"};
    for (unsigned i = 0; i < 4; i++) {
        shmem__text digits = {repr.at + 1, repr.len - 1};
        if (repr.len > 1 && (repr.at[0] == 'u' || repr.at[0] == 'i') && shmem__is(digits, names[i]))
            return UINT64_C(1) << i;
    }
    return 0;
}

static inline int shmem__variants(shmem__parser *parser, const shmem__line *of)
{
    uint64_t size = shmem__repr(of->column[7]), bits = 8 * size, number, count = 0;
    if (size == 0 || size != of->size)
        return 0;
    uint64_t most = UINT64_MAX >> (64 - bits), half = UINT64_C(1) << (bits - 1);
    unsigned self = parser->lines - 1; /* the line before the next */
    int is_signed = of->column[7].at[0] == 'i';
    for (; !parser->line.is_end && parser->line.depth > of->depth; count++) {
        const shmem__line *line = &parser->line;
        shmem__text digits = line->column[7];
        int negative = digits.len > 0 && digits.at[0] == '-';
        digits.at += negative;
        digits.len -= (size_t)negative;
        if (line->depth != of->depth + 1 || !shmem__is(line->column[1], "variant") || line->offset != 0 ||
            line->size != size || line->column[4].len == 0 || line->column[5].len + line->column[6].len != 0 ||
            !shmem__number(digits, &number) ||
            number > (negative ? half : is_signed ? half - 1 : most) || (negative && (!is_signed || number == 0)))
            return 0;
        shmem__note(parser, self, 0, line->column[4]);
        shmem__note(parser, self, 1, line->column[7]);
        if (!shmem__next_line(parser))
            return 0;
    }
    return count > 0;
}

/* The sizes of the kinds that have nothing else, as bits: 1, 2, 4, 8, 16. */
static inline uint64_t shmem__sizes(shmem__text kind)
{
    static const struct { const char *kind; uint64_t sizes; } kinds[] = {
        {"uint", 31}, {"int", 31}, {"nonzero-uint", 31}, {"nonzero-int", 31}, {"maybe-uint", 31}, {"maybe-int", 31},
        {"atomic-uint", 15}, {"atomic-int", 15}, {"float", 12}, {"bool", 1}, {"char", 4},
    };
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (shmem__is(kind, kinds[i].kind))
            return kinds[i].sizes;
    return 0;
}

/* Reads the next line and those below it. `base` is where the part around it begins; `path` what is still to be
   found from there on, after this part's own name, or NULL. 0 if the text is not in the grammar of the page. */
static inline int shmem__part(shmem__parser *parser, uint64_t depth, uint64_t base, const char *path)
{
    shmem__line line = parser->line;
    uint64_t version, head = 0, child_end = 0, offset = base + line.offset, extra = 0;
    shmem__text kind = line.column[1];
    int is_array = shmem__is(kind, "array"), is_vec = shmem__is(kind, "vec"), is_option = shmem__is(kind, "option");
    int is_str = shmem__is(kind, "str"), is_struct = shmem__is(kind, "struct"), is_enum = shmem__is(kind, "enum");
    if (line.is_end || line.depth != depth || depth >= 64 || (line.column[5].len == 0) != is_array)
        return 0;
    if (line.column[6].len != 0 && (!(is_struct || is_enum) || !shmem__number(line.column[6], &version) ||
                                    version == 0 || version > UINT32_MAX))
        return 0;
    if ((line.column[7].len != 0) != (is_array || is_vec || is_str || is_enum))
        return 0;
    if ((is_array || is_vec || is_str) && !shmem__number(line.column[7], &extra))
        return 0;
    if (path != NULL && *path == 0) {
        shmem_part *found = parser->found;
        parser->is_found = 1;
        found->offset = offset;
        found->size = line.size;
        found->count = extra;
        snprintf(found->kind, sizeof found->kind, "%.*s", (int)kind.len, kind.at);
        int cut = line.column[5].len < sizeof found->type ? (int)line.column[5].len : (int)sizeof found->type - 1;
        snprintf(found->type, sizeof found->type, "%.*s", cut, line.column[5].at);
        path = NULL;
    }
    unsigned self = parser->lines;
    if (!shmem__next_line(parser))
        return 0;
    if (is_enum)
        return shmem__variants(parser, &line);
    if (is_str)
        return line.size >= 4 && line.size - 4 == extra;
    if (is_array || is_vec || is_option) {
        const shmem__line *item = &parser->line;
        uint64_t count = is_option ? 1 : extra, size = item->size, index = 0, digit = 0;
        head = is_array ? 0 : 8;
        if (item->is_end || item->column[4].len != 0 || item->offset != head || line.size < head ||
            (size != 0 && count > (line.size - head) / size) || size * count != line.size - head)
            return 0;
        if (path != NULL) { /* the number of an item; 0 of an option */
            shmem__text number = {path, strcspn(path, ".")};
            digit = (uint64_t)shmem__number(number, &index) && index < count;
            path = digit ? path + number.len + (path[number.len] == '.') : NULL;
        }
        return shmem__part(parser, depth + 1, offset + index * size * digit, path);
    }
    if (!is_struct)
        return line.size <= 16 && (line.size & (line.size - 1)) == 0 && (shmem__sizes(kind) & line.size) != 0;
    while (!parser->line.is_end && parser->line.depth > depth) {
        const shmem__line *field = &parser->line;
        shmem__text name = field->column[4];
        const char *rest = NULL;
        if (name.len == 0 || field->offset > line.size || field->size > line.size - field->offset ||
            (field->size > 0 && field->offset < child_end))
            return 0;
        shmem__note(parser, self, 0, name);
        if (field->size > 0)
            child_end = field->offset + field->size;
        if (path != NULL && !parser->is_found && strncmp(path, name.at, name.len) == 0 &&
            (path[name.len] == 0 || (path[name.len] == '.' && path[name.len + 1] != 0)))
            rest = path + name.len + (path[name.len] == '.');
        if (!shmem__part(parser, depth + 1, offset, rest))
            return 0;
    }
    return 1;
}

/* Whether a text is a schema: 1, 0, or -1 without memory. Where `path` leads is put in `found`, if it leads
   anywhere. */
static inline int shmem__schema(const char *text, size_t len, const char *path, shmem_part *found, int *is_found)
{
    shmem__parser parser = {0};
    size_t lines = 0;
    parser.at = text;
    parser.end = text + len;
    parser.found = found;
    *is_found = 0;
    if (len == 0 || text[len - 1] != '\n' || !shmem__is_utf8((const unsigned char *)text, len))
        return 0;
    for (size_t i = 0; i < len; i++)
        lines += text[i] == '\n';
    parser.names = lines > 65536 ? NULL : malloc(2 * lines * sizeof *parser.names);
    if (parser.names == NULL)
        return lines > 65536 ? 0 : -1;
    int is_schema = shmem__next_line(&parser) && parser.line.offset == 0 && parser.line.column[4].len == 0 &&
                    shmem__part(&parser, 0, 0, path) && parser.line.is_end;
    if (is_schema && parser.count > 1) {
        qsort(parser.names, parser.count, sizeof *parser.names, shmem__by_name);
        for (size_t i = 1; i < parser.count; i++)
            is_schema &= shmem__by_name(&parser.names[i - 1], &parser.names[i]) != 0;
    }
    *is_found = is_schema && parser.is_found;
    free(parser.names);
    return is_schema;
}

/* --- XXH3, 64 bits, with a seed -------------------------------------------------------------------------------- */

/* Needed for one thing: whether a file that nobody has opened since the power went off is whole.
   The algorithm is that of github.com/Cyan4973/xxHash, doc/xxhash_spec.md. */

static const unsigned char shmem__secret[192] = {
    0xb8, 0xfe, 0x6c, 0x39, 0x23, 0xa4, 0x4b, 0xbe, 0x7c, 0x01, 0x81, 0x2c, 0xf7, 0x21, 0xad, 0x1c, 0xde, 0xd4, 0x6d, 0xe9,
    0x83, 0x90, 0x97, 0xdb, 0x72, 0x40, 0xa4, 0xa4, 0xb7, 0xb3, 0x67, 0x1f, 0xcb, 0x79, 0xe6, 0x4e, 0xcc, 0xc0, 0xe5, 0x78,
    0x82, 0x5a, 0xd0, 0x7d, 0xcc, 0xff, 0x72, 0x21, 0xb8, 0x08, 0x46, 0x74, 0xf7, 0x43, 0x24, 0x8e, 0xe0, 0x35, 0x90, 0xe6,
    0x81, 0x3a, 0x26, 0x4c, 0x3c, 0x28, 0x52, 0xbb, 0x91, 0xc3, 0x00, 0xcb, 0x88, 0xd0, 0x65, 0x8b, 0x1b, 0x53, 0x2e, 0xa3,
    0x71, 0x64, 0x48, 0x97, 0xa2, 0x0d, 0xf9, 0x4e, 0x38, 0x19, 0xef, 0x46, 0xa9, 0xde, 0xac, 0xd8, 0xa8, 0xfa, 0x76, 0x3f,
    0xe3, 0x9c, 0x34, 0x3f, 0xf9, 0xdc, 0xbb, 0xc7, 0xc7, 0x0b, 0x4f, 0x1d, 0x8a, 0x51, 0xe0, 0x4b, 0xcd, 0xb4, 0x59, 0x31,
    0xc8, 0x9f, 0x7e, 0xc9, 0xd9, 0x78, 0x73, 0x64, 0xea, 0xc5, 0xac, 0x83, 0x34, 0xd3, 0xeb, 0xc3, 0xc5, 0x81, 0xa0, 0xff,
    0xfa, 0x13, 0x63, 0xeb, 0x17, 0x0d, 0xdd, 0x51, 0xb7, 0xf0, 0xda, 0x49, 0xd3, 0x16, 0x55, 0x26, 0x29, 0xd4, 0x68, 0x9e,
    0x2b, 0x16, 0xbe, 0x58, 0x7d, 0x47, 0xa1, 0xfc, 0x8f, 0xf8, 0xb8, 0xd1, 0x7a, 0xd0, 0x31, 0xce, 0x45, 0xcb, 0x3a, 0x8f,
    0x95, 0x16, 0x04, 0x28, 0xaf, 0xd7, 0xfb, 0xca, 0xbb, 0x4b, 0x40, 0x7e,
};

#define SHMEM__P1 UINT64_C(0x9E3779B185EBCA87)
#define SHMEM__P2 UINT64_C(0xC2B2AE3D27D4EB4F)
#define SHMEM__P3 UINT64_C(0x165667B19E3779F9)

/* Numbers of `bytes` bytes, less significant byte first, as the algorithm wants them on every machine. */
static inline uint64_t shmem__le(const unsigned char *at, int bytes)
{
    uint64_t word = 0;
    while (bytes-- > 0)
        word = word << 8 | at[bytes];
    return word;
}

static inline uint64_t shmem__swap(uint64_t word, int bytes)
{
    uint64_t swapped = 0;
    for (; bytes > 0; bytes--, word >>= 8)
        swapped = swapped << 8 | (word & 0xFF);
    return swapped;
}

static inline uint64_t shmem__fold(uint64_t a, uint64_t b)
{
    uint64_t ll = (a & 0xFFFFFFFF) * (b & 0xFFFFFFFF), hl = (a >> 32) * (b & 0xFFFFFFFF);
    uint64_t lh = (a & 0xFFFFFFFF) * (b >> 32), hh = (a >> 32) * (b >> 32);
    uint64_t middle = (ll >> 32) + (hl & 0xFFFFFFFF) + lh;
    return (hh + (hl >> 32) + (middle >> 32)) ^ (middle << 32 | (ll & 0xFFFFFFFF));
}

static inline uint64_t shmem__mix(uint64_t hash, int first, uint64_t factor, int second)
{
    hash = (hash ^ hash >> first) * factor;
    return hash ^ hash >> second;
}

static inline uint64_t shmem__avalanche(uint64_t hash) { return shmem__mix(hash, 37, UINT64_C(0x165667919E3779F9), 32); }

static inline uint64_t shmem__mix16(const unsigned char *in, const unsigned char *secret, uint64_t seed)
{
    return shmem__fold(shmem__le(in, 8) ^ (shmem__le(secret, 8) + seed),
                       shmem__le(in + 8, 8) ^ (shmem__le(secret + 8, 8) - seed));
}

static inline void shmem__stripe(uint64_t acc[8], const unsigned char *in, const unsigned char *secret)
{
    for (int i = 0; i < 8; i++) {
        uint64_t value = shmem__le(in + 8 * i, 8), key = value ^ shmem__le(secret + 8 * i, 8);
        acc[i ^ 1] += value;
        acc[i] += (key & 0xFFFFFFFF) * (key >> 32);
    }
}

static inline uint64_t shmem__xxh3(const unsigned char *in, size_t len, uint64_t seed)
{
    const unsigned char *s = shmem__secret;
    if (len <= 16) {
        uint64_t flip, low, high;
        if (len > 8) {
            low = shmem__le(in, 8) ^ ((shmem__le(s + 24, 8) ^ shmem__le(s + 32, 8)) + seed);
            high = shmem__le(in + len - 8, 8) ^ ((shmem__le(s + 40, 8) ^ shmem__le(s + 48, 8)) - seed);
            return shmem__avalanche(len + shmem__swap(low, 8) + high + shmem__fold(low, high));
        }
        if (len > 3) {
            seed ^= shmem__swap(seed & 0xFFFFFFFF, 4) << 32;
            flip = (shmem__le(s + 8, 8) ^ shmem__le(s + 16, 8)) - seed;
            low = (shmem__le(in + len - 4, 4) + (shmem__le(in, 4) << 32)) ^ flip;
            low ^= (low << 49 | low >> 15) ^ (low << 24 | low >> 40);
            low *= UINT64_C(0x9FB21C651E98DF25);
            low = (low ^ ((low >> 35) + len)) * UINT64_C(0x9FB21C651E98DF25);
            return low ^ low >> 28;
        }
        if (len > 0) {
            flip = (shmem__le(s, 4) ^ shmem__le(s + 4, 4)) + seed;
            low = (uint64_t)in[0] << 16 | (uint64_t)in[len >> 1] << 24 | in[len - 1] | (uint64_t)len << 8;
        } else {
            flip = shmem__le(s + 56, 8) ^ shmem__le(s + 64, 8);
            low = seed;
        }
        low ^= flip;
        return shmem__mix((low ^ low >> 33) * SHMEM__P2, 29, SHMEM__P3, 32);
    }
    uint64_t hash = len * SHMEM__P1;
    if (len <= 128) {
        for (size_t i = (len - 1) / 32 + 1; i-- > 0;)
            hash += shmem__mix16(in + 16 * i, s + 32 * i, seed) + shmem__mix16(in + len - 16 * (i + 1), s + 32 * i + 16, seed);
        return shmem__avalanche(hash);
    }
    if (len <= 240) {
        for (size_t i = 0; i < len / 16; i++) {
            hash += shmem__mix16(in + 16 * i, i < 8 ? s + 16 * i : s + 16 * (i - 8) + 3, seed);
            if (i == 7)
                hash = shmem__avalanche(hash);
        }
        return shmem__avalanche(hash + shmem__mix16(in + len - 16, s + 136 - 17, seed));
    }
    uint64_t acc[8] = {0xC2B2AE3D, SHMEM__P1, SHMEM__P2, SHMEM__P3, UINT64_C(0x85EBCA77C2B2AE63), 0x85EBCA77,
                       UINT64_C(0x27D4EB2F165667C5), 0x9E3779B1};
    unsigned char secret[192];
    for (int i = 0; i < 24; i++) {
        uint64_t word = shmem__le(s + 8 * i, 8) + (i % 2 == 0 ? seed : 0 - seed);
        for (int byte = 0; byte < 8; byte++, word >>= 8)
            secret[8 * i + byte] = (unsigned char)word;
    }
    size_t stripes = (len - 1) / 64;
    for (size_t i = 0; i < stripes; i++) {
        shmem__stripe(acc, in + 64 * i, secret + 8 * (i % 16));
        for (int lane = 0; i % 16 == 15 && lane < 8; lane++)
            acc[lane] = (acc[lane] ^ acc[lane] >> 47 ^ shmem__le(secret + 128 + 8 * lane, 8)) * 0x9E3779B1;
    }
    shmem__stripe(acc, in + len - 64, secret + 121);
    for (int i = 0; i < 4; i++)
        hash += shmem__fold(acc[2 * i] ^ shmem__le(secret + 11 + 16 * i, 8), acc[2 * i + 1] ^ shmem__le(secret + 19 + 16 * i, 8));
    return shmem__avalanche(hash);
}

/* --- Copying out ----------------------------------------------------------------------------------------------- */

/* Copies by loads of at most 8 bytes, since a mapping that may only be read allows no others. */
static inline void shmem__copy(const shmem *object, uint64_t from, void *to, uint64_t len)
{
    const unsigned char *at = object->bytes + from;
    unsigned char *out = to;
    for (; len > 0 && (from % 8 != 0 || len < 8); from++, len--, at++)
        *out++ = atomic_load_explicit((const _Atomic unsigned char *)at, memory_order_relaxed);
    for (; len >= 8; len -= 8, at += 8, out += 8) {
        const void *place = at;
        uint64_t word = atomic_load_explicit((const _Atomic uint64_t *)place, memory_order_relaxed);
        memcpy(out, &word, 8);
    }
    for (; len > 0; len--, at++)
        *out++ = atomic_load_explicit((const _Atomic unsigned char *)at, memory_order_relaxed);
}

static inline uint64_t shmem__now(void) /* milliseconds */
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* Whether a copy that was overtaken is to be tried again: for a second. A value that is changed in place may be in
   the middle of a change for long, so it is given the processor. */
static inline int shmem__again(unsigned *tries, uint64_t *start)
{
    if (++*tries < 64)
        return 1;
    if (*tries == 64)
        *start = shmem__now();
    sched_yield();
    return shmem__now() - *start < 1000;
}

/* Copies `len` bytes of the value out, from its byte `from` on: all of one version, which is put in `version` if
   that is not NULL. */
static inline int shmem_load_part(const shmem *object, uint64_t from, void *out, uint64_t len, uint64_t *version)
{
    unsigned tries = 0;
    uint64_t start = 0;
    if (from > object->word[10] || len > object->word[10] - from)
        return SHMEM_TOO_LARGE;
    do {
        uint64_t current = shmem__control(object, 0), buffer = current & 7;
        atomic_thread_fence(memory_order_acquire);
        if (buffer >= object->word[9])
            return SHMEM_CORRUPT;
        shmem__copy(object, object->word[19] + buffer * object->word[20] + from, out, len);
        atomic_thread_fence(memory_order_acquire);
        if (shmem__control(object, 64 + 8 * buffer) == current >> 8) {
            if (version != NULL)
                *version = current >> 8;
            return SHMEM_OK;
        }
    } while (shmem__again(&tries, &start));
    return SHMEM_BUSY;
}

/* Copies the value out, one version of it. `len` is its size, or less for the first bytes of it. */
static inline int shmem_load(const shmem *object, void *out, uint64_t len, uint64_t *version)
{
    return shmem_load_part(object, 0, out, len, version);
}

/* How many items an array has whose length was chosen when it was created; 0 of everything else. */
static inline uint64_t shmem_len(const shmem *object) { return object->word[26] ? object->word[10] / object->word[26] : 0; }

/* Copies one item of such an array out, of `len` bytes or fewer, while others change other items. */
static inline int shmem_load_item(const shmem *object, uint64_t index, void *out, uint64_t len)
{
    uint64_t item = object->word[26], elements = object->word[18] + 128 * object->word[8] - object->word[17];
    unsigned tries = 0;
    uint64_t start = 0;
    if (index >= shmem_len(object) || len > item)
        return SHMEM_TOO_LARGE;
    do {
        uint64_t whole = shmem__control(object, 72), stripe = shmem__control(object, elements + 8 * (index % 64));
        uint64_t version = shmem__control(object, 0) >> 8;
        atomic_thread_fence(memory_order_acquire);
        if (whole == 0 || whole > version || stripe == UINT64_MAX)
            continue;
        shmem__copy(object, object->word[19] + index * item, out, len);
        atomic_thread_fence(memory_order_acquire);
        if (shmem__control(object, 72) == whole && shmem__control(object, elements + 8 * (index % 64)) == stripe)
            return SHMEM_OK;
    } while (shmem__again(&tries, &start));
    return SHMEM_BUSY;
}

/* The version that is current: 1 in a fresh object, one more with each publication. */
static inline uint64_t shmem_version(const shmem *object) { return shmem__control(object, 0) >> 8; }

/* Where `path` leads in the schema: names of fields and numbers of items with dots between them, as in
   `wheels.2.gear`; "" is the value itself, and item 0 of an `option` what it holds, if it holds anything. The part
   lies within the value. Whether a list is that long just then, the value says. */
static inline int shmem_field(const shmem *object, const char *path, shmem_part *part)
{
    int is_found;
    if (shmem__schema(object->schema, object->word[13], path, part, &is_found) < 0)
        return SHMEM_IO;
    if (is_found)
        return SHMEM_OK;
    /* Of a type that grows: what was added since. Records only come on, each with its hash. */
    unsigned char *added = malloc(object->word[25] + 1);
    if (added == NULL)
        return SHMEM_IO;
    uint64_t left = object->word[25], at = 0;
    shmem__copy(object, object->word[24], added, left);
    while (!is_found && left >= 16) {
        uint64_t len = shmem__word(added + at), hash = shmem__word(added + at + 8);
        const char *text = (const char *)added + at + 16;
        if (len == 0 || len > left - 16 || shmem__fnv1a(SHMEM__FNV, text, len) != hash)
            break;
        if (shmem__schema(text, len, path, part, &is_found) != 1 || (is_found && (part->offset > object->word[10] ||
                                                          part->size > object->word[10] - part->offset))) {
            free(added);
            return SHMEM_CORRUPT;
        }
        len = shmem__up(len, 8) + 16;
        left -= len < left ? len : left;
        at += len;
    }
    free(added);
    return is_found ? SHMEM_OK : SHMEM_NO_SUCH_FIELD;
}

/* --- Waiting --------------------------------------------------------------------------------------------------- */

/* Waits until there is a version newer than `after`, for at most `milliseconds`, and puts it in `version`. It
   sleeps in the kernel, 50 ms at a time. */
static inline int shmem_wait(const shmem *object, uint64_t after, uint64_t milliseconds, uint64_t *version)
{
    const uint16_t one = 1;
    const unsigned char *half = object->bytes + object->word[17] + (*(const unsigned char *)&one == 1 ? 0 : 4);
    uint64_t start = shmem__now();
    for (;;) {
        uint64_t seen = shmem__control(object, 0), passed = shmem__now() - start;
        if (seen & 8)
            return SHMEM_REMOVED;
        if (seen >> 8 > after) {
            *version = seen >> 8;
            return SHMEM_OK;
        }
        if (passed >= milliseconds)
            return SHMEM_TIMED_OUT;
        if (object->waiters != NULL) {
            atomic_exchange(object->waiters, 1);
            atomic_thread_fence(memory_order_seq_cst);
            if (shmem__control(object, 0) != seen)
                continue;
        }
        uint64_t left = milliseconds - passed;
        struct timespec slice = {0, (long)(left < 50 ? left : 50) * 1000000};
        syscall(SYS_futex, half, 0 /* FUTEX_WAIT */, (uint32_t)seen, &slice, NULL, 0);
        struct stat file;
        if (shmem__control(object, 0) == seen &&
            (lstat(object->path, &file) != 0 ? errno == ENOENT
                                             : file.st_dev != object->device || file.st_ino != object->inode))
            return SHMEM_REMOVED;
    }
}

/* --- Opening --------------------------------------------------------------------------------------------------- */

static inline void shmem_close(shmem *object)
{
    if (object->bytes != NULL)
        munmap((void *)(uintptr_t)object->bytes, object->word[3]);
    if (object->waiters != NULL)
        munmap((void *)object->waiters, 4096);
    free(object->schema);
    free(object->path);
    memset(object, 0, sizeof *object);
}

static inline int shmem__read(int file, void *to, uint64_t len, uint64_t from)
{
    for (uint64_t done = 0; done < len;) {
        ssize_t got = pread(file, (char *)to + done, len - done, (off_t)(from + done));
        if (got == 0)
            return SHMEM_CORRUPT;
        if (got < 0 && errno != EINTR)
            return SHMEM_IO;
        done += got > 0 ? (uint64_t)got : 0;
    }
    return SHMEM_OK;
}

/* Checks the header of a file of `size` bytes, in the order of the page, and takes the copies of the two texts. */
static inline int shmem__header(shmem *object, int file, uint64_t size, const char *name, size_t name_len)
{
    static const unsigned char magic[8] = {0x73, 0x68, 0x6d, 0x65, 0x6d, 0x1a, 0x0a, 0xa9};
    const uint64_t mark = UINT64_C(0x0102030405060708), *w = object->word;
    if (size < 256)
        return SHMEM_NOT_AN_OBJECT;
    int error = shmem__read(file, object->word, 256, 0);
    if (error != SHMEM_OK)
        return error;
    if (memcmp(w, magic, 8) != 0)
        return SHMEM_NOT_AN_OBJECT;
    if (w[1] == shmem__swap(mark, 8))
        return SHMEM_UNSUPPORTED_FORMAT;
    if (w[1] != mark)
        return SHMEM_CORRUPT;
    if (w[2] != 1)
        return SHMEM_UNSUPPORTED_FORMAT;

    uint64_t most = (UINT64_C(1) << 63) - 1, unit = w[11] < 128 ? 128 : w[11];
    if (w[6] > 7 || (w[6] & 5) == 4 || w[8] < 1 || w[8] > 1024 || w[9] < 1 || w[9] > 8 || (w[9] == 2 && w[6] & 4))
        return SHMEM_CORRUPT;
    if (w[10] > most / 16 || w[11] == 0 || w[11] > 4096 || (w[11] & (w[11] - 1)) != 0)
        return SHMEM_CORRUPT;
    if (w[13] > 16 << 20 || w[15] > 4096 || w[25] > 16 << 20 || (w[25] != 0 && (w[11] > 128 || w[26] != 0)))
        return SHMEM_CORRUPT;
    if (w[26] != 0 && (w[26] > most / 16 || w[10] % w[26] != 0 || w[9] != 1))
        return SHMEM_CORRUPT;
    if (w[27] != 0 && w[9] != 1)
        return SHMEM_CORRUPT;
    if ((w[21] & ~UINT64_C(0666)) != 0 || (w[21] == 0) != (w[22] == 0) || w[23] > most - 1025)
        return SHMEM_CORRUPT;

    uint64_t end = 256 + w[13] + w[15], additions = w[25] ? shmem__up(end, 8) : 0;
    uint64_t waiters = shmem__up(w[25] ? additions + w[25] : end, 4096), rows = waiters + 4096 + 512;
    uint64_t gate = rows + 128 * w[8] + (w[26] ? 640 + shmem__up(w[26], 128) : 0);
    uint64_t buffers = shmem__up(gate + (w[27] ? 128 : 0), unit);
    uint64_t stride = shmem__up(w[10] ? w[10] : 1, unit);
    if (w[10] >= 4096 && unit < 4096)
        stride = shmem__up(stride, 4096) + shmem__up(512, unit);
    if (stride > (most - buffers) / w[9] || w[3] != buffers + stride * w[9] || w[12] != 256 || w[14] != 256 + w[13] ||
        w[16] != waiters || w[17] != waiters + 4096 || w[18] != rows || w[19] != buffers || w[20] != stride ||
        w[24] != additions || w[28] != (w[27] ? gate : 0) || w[3] != size)
        return SHMEM_CORRUPT;

    char *texts = object->schema = malloc(w[13] + w[15] + 1);
    if (texts == NULL)
        return SHMEM_IO;
    error = shmem__read(file, texts, w[13] + w[15], 256);
    if (error != SHMEM_OK)
        return error;
    if (w[31] != shmem__fnv1a(shmem__fnv1a(SHMEM__FNV, w, 248), texts, w[13] + w[15]) ||
        w[4] != shmem__fnv1a(SHMEM__FNV, texts, w[13]) || !shmem__is_utf8((unsigned char *)texts + w[13], w[15]))
        return SHMEM_CORRUPT;
    if (name != NULL && (w[15] != name_len || memcmp(texts + w[13], name, name_len) != 0))
        return SHMEM_NOT_AN_OBJECT;
    shmem_part whole;
    int is_found;
    int is_schema = shmem__schema(texts, w[13], "", &whole, &is_found);
    if (is_schema < 0)
        return SHMEM_IO;
    if (!is_schema || !is_found || (w[25] ? whole.size > w[10] : whole.size != w[10]))
        return SHMEM_CORRUPT;
    if (w[26] != 0 && (strcmp(whole.kind, "array") != 0 || whole.count != w[10] / w[26]))
        return SHMEM_CORRUPT;
    /* A value that programs change under a pthread lock is not for those who take none. */
    return w[27] ? SHMEM_UNSUPPORTED_FORMAT : SHMEM_OK;
}

/* Whether nobody has the object open, as far as this program may know. */
static inline int shmem__is_leftover(const shmem *object, int file, const struct stat *about)
{
    int locks = -1;
    struct flock range = {.l_type = F_RDLCK, .l_whence = SEEK_SET};
    range.l_start = (off_t)(object->word[23] + 1);
    range.l_len = (off_t)object->word[8];
    if (object->word[21] != 0) {
        size_t directory = (size_t)(strrchr(object->path, '/') + 1 - object->path);
        char *beside = malloc(directory + 64);
        if (beside == NULL)
            return 0;
        int used = sprintf(beside, "%.*s.lock-%o", (int)directory, object->path, (unsigned)object->word[21]);
        if (object->word[21] & 020)
            sprintf(beside + used, "-%u", (unsigned)about->st_gid);
        locks = open(beside, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
        free(beside);
        struct stat found;
        if (locks < 0)
            return 0;
        if (fstat(locks, &found) != 0 || found.st_ino != object->word[22]) {
            close(locks);
            return 0;
        }
    }
    int asked = fcntl(locks < 0 ? file : locks, F_OFD_GETLK, &range);
    if (locks >= 0)
        close(locks);
    return asked == 0 && range.l_type == F_UNLCK;
}

/* Whether what a file holds was whole when the power went off, if nobody has opened it for writing since. */
static inline int shmem__survived(const shmem *object)
{
    unsigned char boot[64];
    uint64_t size = object->word[10], version;
    int file = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
    ssize_t len = file < 0 ? 0 : read(file, boot, sizeof boot);
    if (file >= 0)
        close(file);
    uint64_t here = shmem__fnv1a(SHMEM__FNV, boot, len > 0 ? (size_t)len : 0);
    if (!(object->word[6] & 4) || shmem__control(object, 264) == here)
        return SHMEM_OK;
    if (object->word[9] == 1)
        return shmem__control(object, 24) >> 8 == shmem__control(object, 0) >> 8 ? SHMEM_OK : SHMEM_POISONED;
    unsigned char *copy = malloc(size + 1);
    int error = copy == NULL ? SHMEM_IO : shmem_load(object, copy, size, &version);
    if (error == SHMEM_OK) {
        uint64_t sum = shmem__xxh3(copy, size, version);
        error = SHMEM_UNRECOVERED;
        for (uint64_t b = 0; b < object->word[9]; b++)
            if (shmem__control(object, 64 + 8 * b) == version && shmem__control(object, 384 + 8 * b) == sum)
                error = SHMEM_OK;
    } else if (error == SHMEM_BUSY) {
        error = SHMEM_UNRECOVERED;
    }
    free(copy);
    /* Somebody may have opened it meanwhile, and have put it right. */
    return error == SHMEM_OK || shmem__control(object, 264) == here ? SHMEM_OK : error;
}

static inline int shmem__open(shmem *object, const char *path, const char *name, size_t name_len)
{
    struct stat about, again;
    memset(object, 0, sizeof *object);
    int file = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (file < 0)
        return errno == ENOENT || errno == ENOTDIR ? SHMEM_NOT_FOUND
               : errno == EACCES || errno == EPERM ? SHMEM_PERMISSION_DENIED
               : errno == ELOOP || errno == ENXIO  ? SHMEM_NOT_AN_OBJECT
                                                   : SHMEM_IO;
    object->path = malloc(strlen(path) + 3);
    int error = object->path == NULL || fstat(file, &about) != 0 ? SHMEM_IO
                : !S_ISREG(about.st_mode)                        ? SHMEM_NOT_AN_OBJECT
                                                                 : SHMEM_OK;
    if (error == SHMEM_OK) {
        sprintf(object->path, "%s%s", strchr(path, '/') ? "" : "./", path);
        object->device = about.st_dev;
        object->inode = about.st_ino;
        error = shmem__header(object, file, (uint64_t)about.st_size, name, name_len);
    }
    if (error == SHMEM_OK && !(object->word[6] & 1) && shmem__is_leftover(object, file, &about))
        error = SHMEM_NOT_FOUND;
    if (error == SHMEM_OK) {
        void *bytes = mmap(NULL, object->word[3], PROT_READ, MAP_SHARED, file, 0);
        object->bytes = bytes == MAP_FAILED ? NULL : bytes;
        error = bytes == MAP_FAILED ? SHMEM_IO : shmem__control(object, 0) & 8 ? SHMEM_NOT_FOUND : shmem__survived(object);
    }
    close(file);
    if (error != SHMEM_OK) {
        int reason = errno;
        shmem_close(object);
        errno = reason;
        return error;
    }
    /* Who may write the file says that it waits, and is woken at once; others look every 50 ms. */
    if (!(object->word[6] & 2) && about.st_uid == geteuid() &&
        (file = open(object->path, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)) >= 0) {
        if (fstat(file, &again) == 0 && again.st_dev == about.st_dev && again.st_ino == about.st_ino &&
            (uint64_t)sysconf(_SC_PAGESIZE) <= 4096) {
            void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file, (off_t)object->word[16]);
            object->waiters = page == MAP_FAILED ? NULL : page;
        }
        close(file);
    }
    return SHMEM_OK;
}

/* Opens the object at a path. */
static inline int shmem_open_path(shmem *object, const char *path) { return shmem__open(object, path, NULL, 0); }

/* Opens the object of that name which belongs to the user of that number. */
static inline int shmem_open_of(shmem *object, uid_t owner, const char *name)
{
    size_t len = strlen(name), at = 0;
    const char *parent = secure_getenv("SHMEM_DIR");
    char file[3 * 1024 + 64], path[PATH_MAX];
    memset(object, 0, sizeof *object);
    if (len < 1 || len > 1024 || !shmem__is_utf8((const unsigned char *)name, len))
        return SHMEM_INVALID_NAME;
    for (size_t i = 0; i < len; i++) {
        unsigned char byte = (unsigned char)name[i];
        if ((byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || (byte >= '0' && byte <= '9') || byte == '-' ||
            byte == '_' || (byte == '.' && i > 0))
            file[at++] = (char)byte;
        else
            at += (size_t)sprintf(file + at, "%%%02X", byte);
    }
    file[at] = 0;
    if (at > 200) {
        /* FNV-1a, 128 bits; the factor is 2^88 + 0x13b. */
        uint64_t high = UINT64_C(0x6c62272e07bb0142), low = UINT64_C(0x62b821756295c58d);
        for (size_t i = 0; i < len; i++) {
            low ^= (unsigned char)name[i];
            uint64_t middle = (low >> 32) * 0x13b, small = (low & 0xFFFFFFFF) * 0x13b;
            high = high * 0x13b + (low << 24) + ((middle + (small >> 32)) >> 32);
            low *= 0x13b;
        }
        sprintf(file + 167, "~%016llx%016llx", (unsigned long long)high, (unsigned long long)low);
    }
    if (parent == NULL || *parent == 0)
        parent = "/dev/shm";
    for (int k = 0; k < 10; k++) {
        struct stat about;
        char suffix[4] = {0};
        if (k > 0)
            snprintf(suffix, sizeof suffix, "-%d", k);
        int used = snprintf(path, sizeof path, "%s/shmem-%u%s", parent, (unsigned)owner, suffix);
        if (used < 0 || (size_t)used + strlen(file) + 2 > sizeof path)
            return SHMEM_INVALID_NAME;
        if (lstat(path, &about) == 0 && S_ISDIR(about.st_mode) && about.st_uid == owner && !(about.st_mode & 022)) {
            sprintf(path + used, "/%s", file);
            return shmem__open(object, path, name, len);
        }
    }
    return SHMEM_NOT_FOUND;
}

/* Opens the object of that name which belongs to this user. */
static inline int shmem_open(shmem *object, const char *name) { return shmem_open_of(object, geteuid(), name); }

#endif
