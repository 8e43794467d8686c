// A libcuda.so.1 without a GPU: it says that it is an H200, keeps memory on the host, and runs no kernel. With it in
// LD_LIBRARY_PATH, a program that is built for CUDA compiles its kernels and goes through all its steps, though its numbers are
// nonsense: enough to count what it asks of the driver.
//
// cc -shared -fPIC -O2 -o libcuda.so.1 libcuda.c -lpthread
//
// LAUNCH_LOG=FILE   a line for each call that costs time on a GPU: `launch KERNEL`, `upload BYTES`, `download BYTES`,
//                   `copy BYTES`, `fill BYTES`, `wait`
//
// Only what CubeCL 0.11 calls is here; a function that is missing is an error that names it.

#define _GNU_SOURCE
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define EXPORT __attribute__((visibility("default")))
#define UNUSED __attribute__((unused))

typedef int Result;
typedef uint64_t Address;

enum { SUCCESS = 0, OUT_OF_MEMORY = 2, INVALID_DEVICE = 101 };
enum { PAGE = 4096 };
static const size_t MEMORY = (size_t)143771 << 20;

static FILE *log_file;
static pthread_mutex_t log_lock = PTHREAD_MUTEX_INITIALIZER;

__attribute__((constructor)) static void open_log(void) {
    const char *path = getenv("LAUNCH_LOG");
    log_file = path ? fopen(path, "w") : NULL;
    if (path && !log_file) {
        perror(path);
        abort();
    }
}

__attribute__((destructor)) static void close_log(void) {
    if (log_file) fclose(log_file);
}

static void note(const char *what, const char *name, size_t bytes) {
    if (!log_file) return;
    pthread_mutex_lock(&log_lock);
    if (name) fprintf(log_file, "%s %s\n", what, name);
    else fprintf(log_file, "%s %zu\n", what, bytes);
    pthread_mutex_unlock(&log_lock);
}

// --- devices

EXPORT Result cuInit(UNUSED unsigned flags) { return SUCCESS; }
EXPORT Result cuDriverGetVersion(int *version) { *version = 13000; return SUCCESS; }
EXPORT Result cuDeviceGetCount(int *count) { *count = 1; return SUCCESS; }
EXPORT Result cuDeviceGet(int *device, int index) { *device = index; return index ? INVALID_DEVICE : SUCCESS; }
EXPORT Result cuDeviceGetName(char *name, int length, UNUSED int device) { snprintf(name, length, "NVIDIA H200"); return SUCCESS; }
EXPORT Result cuDeviceTotalMem_v2(size_t *bytes, UNUSED int device) { *bytes = MEMORY; return SUCCESS; }
EXPORT Result cuDeviceGetPCIBusId(char *id, int length, UNUSED int device) { snprintf(id, length, "0000:01:00.0"); return SUCCESS; }
EXPORT Result cuDeviceGetUuid(char *uuid, UNUSED int device) { memset(uuid, 1, 16); return SUCCESS; }
EXPORT Result cuDeviceGetUuid_v2(char *uuid, int device) { return cuDeviceGetUuid(uuid, device); }
EXPORT Result cuDeviceCanAccessPeer(int *can, UNUSED int a, UNUSED int b) { *can = 0; return SUCCESS; }

// CU_DEVICE_ATTRIBUTE_*, as an H200 answers.
EXPORT Result cuDeviceGetAttribute(int *value, int attribute, UNUSED int device) {
    switch (attribute) {
    case 1: *value = 1024; break;             // MAX_THREADS_PER_BLOCK
    case 2: case 3: *value = 1024; break;     // MAX_BLOCK_DIM_X, _Y
    case 4: *value = 64; break;               // MAX_BLOCK_DIM_Z
    case 5: *value = 2147483647; break;       // MAX_GRID_DIM_X
    case 6: case 7: *value = 65535; break;    // MAX_GRID_DIM_Y, _Z
    case 8: *value = 49152; break;            // MAX_SHARED_MEMORY_PER_BLOCK
    case 10: *value = 32; break;              // WARP_SIZE
    case 16: *value = 132; break;             // MULTIPROCESSOR_COUNT
    case 75: *value = 9; break;               // COMPUTE_CAPABILITY_MAJOR
    case 76: *value = 0; break;               // COMPUTE_CAPABILITY_MINOR
    case 97: *value = 232448; break;          // MAX_SHARED_MEMORY_PER_BLOCK_OPTIN
    case 115: *value = 1; break;              // MEMORY_POOLS_SUPPORTED
    default: *value = 0;
    }
    return SUCCESS;
}

// --- contexts, streams, events

static void *handle(void) {
    static atomic_uintptr_t next = 0x10000;
    return (void *)atomic_fetch_add(&next, 64);
}

EXPORT Result cuDevicePrimaryCtxRetain(void **context, UNUSED int device) { *context = (void *)0x1000; return SUCCESS; }
EXPORT Result cuDevicePrimaryCtxRelease_v2(UNUSED int device) { return SUCCESS; }
EXPORT Result cuCtxSetCurrent(UNUSED void *context) { return SUCCESS; }
EXPORT Result cuCtxGetCurrent(void **context) { *context = (void *)0x1000; return SUCCESS; }
EXPORT Result cuCtxSynchronize(void) { note("wait", "context", 0); return SUCCESS; }
EXPORT Result cuCtxGetStreamPriorityRange(int *least, int *greatest) { *least = 0; *greatest = -5; return SUCCESS; }
EXPORT Result cuStreamCreate(void **stream, UNUSED unsigned flags) { *stream = handle(); return SUCCESS; }
EXPORT Result cuStreamCreateWithPriority(void **stream, unsigned flags, UNUSED int priority) { return cuStreamCreate(stream, flags); }
EXPORT Result cuStreamDestroy_v2(UNUSED void *stream) { return SUCCESS; }
EXPORT Result cuStreamSynchronize(UNUSED void *stream) { note("wait", "stream", 0); return SUCCESS; }
EXPORT Result cuStreamQuery(UNUSED void *stream) { return SUCCESS; }
EXPORT Result cuStreamWaitEvent(UNUSED void *stream, UNUSED void *event, UNUSED unsigned flags) { return SUCCESS; }

// CubeCL chooses among kernels by time: a clock that launches alone move, by about what a small kernel takes.
static atomic_ullong clock_ns;

EXPORT Result cuEventCreate(void **event, UNUSED unsigned flags) { *event = calloc(1, sizeof(unsigned long long)); return *event ? SUCCESS : OUT_OF_MEMORY; }
EXPORT Result cuEventDestroy_v2(void *event) { free(event); return SUCCESS; }
EXPORT Result cuEventRecord(void *event, UNUSED void *stream) { *(unsigned long long *)event = clock_ns; return SUCCESS; }
EXPORT Result cuEventQuery(UNUSED void *event) { return SUCCESS; }
EXPORT Result cuEventSynchronize(UNUSED void *event) { note("wait", "event", 0); return SUCCESS; }
EXPORT Result cuEventElapsedTime(float *ms, void *start, void *end) {
    *ms = (*(unsigned long long *)end - *(unsigned long long *)start) * 1e-6 + 1e-4;
    return SUCCESS;
}
EXPORT Result cuEventElapsedTime_v2(float *ms, void *start, void *end) { return cuEventElapsedTime(ms, start, end); }

// --- memory: pages that cost nothing until they are written, with their length on a page in front

static void *reserve(size_t bytes) {
    size_t length = (bytes + 2 * PAGE - 1) & ~(size_t)(PAGE - 1);
    char *pages = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (pages == MAP_FAILED) return NULL;
    *(size_t *)pages = length;
    return pages + PAGE;
}

static void release(void *memory) {
    if (!memory) return;
    char *pages = (char *)memory - PAGE;
    munmap(pages, *(size_t *)pages);
}

EXPORT Result cuMemAlloc_v2(Address *address, size_t bytes) {
    *address = (Address)reserve(bytes);
    return *address ? SUCCESS : OUT_OF_MEMORY;
}
EXPORT Result cuMemAllocAsync(Address *address, size_t bytes, UNUSED void *stream) { return cuMemAlloc_v2(address, bytes); }
EXPORT Result cuMemFree_v2(Address address) { release((void *)address); return SUCCESS; }
EXPORT Result cuMemFreeAsync(Address address, UNUSED void *stream) { return cuMemFree_v2(address); }
EXPORT Result cuMemAllocHost_v2(void **memory, size_t bytes) {
    *memory = reserve(bytes);
    return *memory ? SUCCESS : OUT_OF_MEMORY;
}
EXPORT Result cuMemHostAlloc(void **memory, size_t bytes, UNUSED unsigned flags) { return cuMemAllocHost_v2(memory, bytes); }
EXPORT Result cuMemFreeHost(void *memory) { release(memory); return SUCCESS; }
EXPORT Result cuMemGetInfo_v2(size_t *available, size_t *total) { *available = *total = MEMORY; return SUCCESS; }
EXPORT Result cuDeviceGetDefaultMemPool(void **pool, UNUSED int device) { *pool = (void *)0x2000; return SUCCESS; }
EXPORT Result cuDeviceGetMemPool(void **pool, int device) { return cuDeviceGetDefaultMemPool(pool, device); }
EXPORT Result cuMemPoolSetAttribute(UNUSED void *pool, UNUSED int attribute, UNUSED void *value) { return SUCCESS; }
EXPORT Result cuMemPoolTrimTo(UNUSED void *pool, UNUSED size_t bytes) { return SUCCESS; }

EXPORT Result cuMemcpyHtoDAsync_v2(Address to, const void *from, size_t bytes, UNUSED void *stream) {
    note("upload", NULL, bytes);
    memcpy((void *)to, from, bytes);
    return SUCCESS;
}
// Zeros: no kernel wrote there, and what is there instead may not be finite, at which training stops.
EXPORT Result cuMemcpyDtoHAsync_v2(void *to, UNUSED Address from, size_t bytes, UNUSED void *stream) {
    note("download", NULL, bytes);
    memset(to, 0, bytes);
    return SUCCESS;
}
EXPORT Result cuMemcpyDtoDAsync_v2(Address to, Address from, size_t bytes, UNUSED void *stream) {
    note("copy", NULL, bytes);
    memcpy((void *)to, (void *)from, bytes);
    return SUCCESS;
}
EXPORT Result cuMemsetD8Async(Address to, unsigned char value, size_t bytes, UNUSED void *stream) {
    note("fill", NULL, bytes);
    memset((void *)to, value, bytes);
    return SUCCESS;
}

// CUDA_MEMCPY2D
typedef struct {
    size_t from_x, from_y;
    unsigned from_kind;
    const void *from_host;
    Address from_device;
    void *from_array;
    size_t from_pitch, to_x, to_y;
    unsigned to_kind;
    void *to_host;
    Address to_device;
    void *to_array;
    size_t to_pitch, width, height;
} Copy2d;

EXPORT Result cuMemcpy2DAsync_v2(const Copy2d *copy, UNUSED void *stream) {
    enum { HOST = 1 };
    const char *from = copy->from_kind == HOST ? copy->from_host : (const char *)copy->from_device;
    char *to = copy->to_kind == HOST ? copy->to_host : (char *)copy->to_device;
    int is_download = copy->to_kind == HOST;
    note(is_download ? "download" : copy->from_kind == HOST ? "upload" : "copy", NULL, copy->width * copy->height);
    for (size_t row = 0; row < copy->height; row++) {
        if (is_download) memset(to + row * copy->to_pitch, 0, copy->width);
        else memcpy(to + row * copy->to_pitch, from + row * copy->from_pitch, copy->width);
    }
    return SUCCESS;
}

// --- kernels: a module is known by its first entry point

typedef struct {
    char name[256];
} Module;

EXPORT Result cuModuleLoadData(void **module, const void *image) {
    Module *loaded = calloc(1, sizeof *loaded);
    const char *entry = strstr(image, ".entry ");
    if (entry) {
        entry += strlen(".entry ");
        size_t length = strcspn(entry, "( \t\n");
        if (length >= sizeof loaded->name) length = sizeof loaded->name - 1;
        memcpy(loaded->name, entry, length);
    }
    *module = loaded;
    return SUCCESS;
}
EXPORT Result cuModuleLoadDataEx(void **module, const void *image, UNUSED unsigned count, UNUSED void *options, UNUSED void *values) {
    return cuModuleLoadData(module, image);
}
EXPORT Result cuModuleGetFunction(void **function, void *module, UNUSED const char *name) { *function = module; return SUCCESS; }
EXPORT Result cuModuleUnload(UNUSED void *module) { return SUCCESS; }
EXPORT Result cuFuncSetAttribute(UNUSED void *function, UNUSED int attribute, UNUSED int value) { return SUCCESS; }
EXPORT Result cuFuncGetAttribute(int *value, UNUSED int attribute, UNUSED void *function) { *value = 0; return SUCCESS; }

EXPORT Result cuLaunchKernel(void *function, unsigned x, unsigned y, unsigned z, UNUSED unsigned block_x, UNUSED unsigned block_y,
                             UNUSED unsigned block_z, UNUSED unsigned shared, UNUSED void *stream, UNUSED void **parameters,
                             UNUSED void **extra) {
    clock_ns += 3000 + 20ull * x * y * z;
    note("launch", ((Module *)function)->name, 0);
    return SUCCESS;
}
EXPORT Result cuLaunchKernelEx(UNUSED const void *config, void *function, UNUSED void **parameters, UNUSED void **extra) {
    clock_ns += 3000;
    note("launch", ((Module *)function)->name, 0);
    return SUCCESS;
}

EXPORT Result cuTensorMapEncodeTiled(UNUSED void *map) { return SUCCESS; }
EXPORT Result cuTensorMapEncodeIm2col(UNUSED void *map) { return SUCCESS; }
EXPORT Result cuTensorMapEncodeIm2colWide(UNUSED void *map) { return SUCCESS; }
EXPORT Result cuGetErrorString(UNUSED Result error, const char **text) { *text = "an error of the pretended libcuda"; return SUCCESS; }
EXPORT Result cuGetErrorName(UNUSED Result error, const char **text) { *text = "PRETENDED"; return SUCCESS; }
