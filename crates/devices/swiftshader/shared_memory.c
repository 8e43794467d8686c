// Wraps the Vulkan loader (VULKAN_LOADER) and repairs the shaders that CubeCL 0.11.3 hands to SwiftShader.
//
// Without VK_KHR_workgroup_memory_explicit_layout, cubecl-spirv's `lower_shared_implicit` confuses the type of a shared
// array with the type of the pointer to it: the variable is declared as a pointer to a pointer, which reserves one word,
// and every kernel with shared memory computes wrong results. Here the variable gets its type back. With the extension,
// CubeCL takes another path.
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef void (*Function)(void);
typedef Function (*GetProcAddr)(void *object, const char *name);

// VkShaderModuleCreateInfo.
typedef struct {
    int32_t type;
    const void *next;
    uint32_t flags;
    size_t size;
    const uint32_t *code;
} ModuleInfo;
typedef int32_t (*CreateModule)(void *device, const ModuleInfo *info, const void *allocator, uint64_t *module);

static Function real(const char *name) {
    static void *loader;
    if (!loader && !(loader = dlopen(getenv("VULKAN_LOADER"), RTLD_NOW | RTLD_LOCAL))) {
        fprintf(stderr, "VULKAN_LOADER: %s\n", dlerror());
        abort();
    }
    return (Function)dlsym(loader, name);
}

enum { HEADER = 5, BOUND = 3, OP_TYPE_POINTER = 32, OP_VARIABLE = 59, WORKGROUP = 4 };

// Redeclares every Workgroup variable that is a pointer to a Workgroup pointer as the inner pointer.
static void repair(uint32_t *code, size_t words) {
    uint32_t bound = code[BOUND];
    uint32_t *pointee = calloc(bound, sizeof *pointee);
    for (size_t at = HEADER; at < words && code[at] >> 16; at += code[at] >> 16) {
        uint32_t *op = code + at;
        if ((*op & 0xffff) == OP_TYPE_POINTER && op[2] == WORKGROUP) {
            pointee[op[1]] = op[3];
        } else if ((*op & 0xffff) == OP_VARIABLE && op[3] == WORKGROUP && pointee[pointee[op[1]]]) {
            op[1] = pointee[op[1]];
        }
    }
    free(pointee);
}

static int32_t create_module(void *device, const ModuleInfo *info, const void *allocator, uint64_t *module) {
    uint32_t *code = malloc(info->size);
    memcpy(code, info->code, info->size);
    repair(code, info->size / sizeof *code);
    ModuleInfo repaired = *info;
    repaired.code = code;
    int32_t result = ((CreateModule)real("vkCreateShaderModule"))(device, &repaired, allocator, module);
    free(code);
    return result;
}

static Function device_function(void *device, const char *name) {
    if (!strcmp(name, "vkCreateShaderModule")) return (Function)create_module;
    return ((GetProcAddr)real("vkGetDeviceProcAddr"))(device, name);
}

Function vkGetInstanceProcAddr(void *instance, const char *name) {
    if (!strcmp(name, "vkGetInstanceProcAddr")) return (Function)vkGetInstanceProcAddr;
    if (!strcmp(name, "vkGetDeviceProcAddr")) return (Function)device_function;
    if (!strcmp(name, "vkCreateShaderModule")) return (Function)create_module;
    return ((GetProcAddr)real("vkGetInstanceProcAddr"))(instance, name);
}
