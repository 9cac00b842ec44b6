// A stand-in for AMD's open HIP runtime, as far as CuPy's ROCm wheel uses it, on the CPU.
//
// Streams are lazy: work waits until somebody waits for it (a synchronisation, a copy to the host),
// so that what was never waited for is really not there yet. Work of different streams meets only
// through events and the legacy stream, as on a GPU. Streams can be captured as graphs; what a GPU
// refuses while capturing is refused here. Everything is counted.
#include "runtime.h"

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <dlfcn.h>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "kernel.h"

namespace emulated {

enum Error {
    success = 0,
    invalid_value = 1,
    out_of_memory = 2,
    no_device = 100,
    invalid_device = 101,
    invalid_image = 200,
    invalid_handle = 400,
    not_found = 500,
    illegal_address = 700,
    not_supported = 801,
    capture_unsupported = 900,
    capture_invalidated = 901,
    capture_implicit = 906,
};

Counters counters;
static const char* NAMES =
    "launches graph_launches products copies_to_device copies_to_host copies_on_device fills "
    "bytes_to_device bytes_to_host synchronisations allocations frees pool_allocations "
    "host_allocations";

static std::recursive_mutex mutex;
using Lock = std::lock_guard<std::recursive_mutex>;
static bool reverse_order = false;

// --- streams, graphs, events ------------------------------------------------------------------

struct Graph {
    std::vector<std::function<void()>> nodes;
    bool valid = true;
};

struct Point {  // all work of a stream up to its position-th piece
    Stream* stream;
    uint64_t position;
};

struct Work {
    std::vector<Point> after;
    std::function<void()> run;
};

struct Stream {
    int device = 0;
    bool blocking = true;
    std::deque<Work> waiting;
    uint64_t done = 0;
    std::vector<Point> next_after;        // events that the next piece of work waits for
    std::shared_ptr<Graph> capture;       // while capturing
    uint64_t end() const { return done + waiting.size(); }
};

struct Event {
    Point point{nullptr, 0};
    std::shared_ptr<Graph> capture;  // if it was recorded in a stream that captures
    double milliseconds = 0;
};

static const size_t longest_queue = 4096;
static std::map<int, Stream*> legacy_streams;
static std::set<Stream*> streams;
static thread_local int current_device = 0;

static Stream* legacy(int device)
{
    Stream*& s = legacy_streams[device];
    if (!s) {
        s = new Stream;
        s->device = device;
    }
    return s;
}

static Stream* find(void* handle)
{
    if (!handle || handle == (void*)1) return legacy(current_device);
    Stream* s = (Stream*)handle;
    return streams.count(s) ? s : nullptr;
}

static void finish(Stream* s, uint64_t position)
{
    while (s->done < position && !s->waiting.empty()) {
        Work work = std::move(s->waiting.front());
        s->waiting.pop_front();
        s->done++;
        for (const Point& p : work.after) finish(p.stream, p.position);
        work.run();
    }
}

static void finish_all()
{
    for (auto& [device, s] : legacy_streams) finish(s, s->end());
    for (Stream* s : streams) finish(s, s->end());
}

static int refuse(Stream* s, const char* what, int error = capture_unsupported)
{
    std::fprintf(stderr, "emulated GPU: %s while a stream captures\n", what);
    s->capture->valid = false;
    return error;
}

static Stream* capturing_stream(bool only_blocking)
{
    for (Stream* s : streams)
        if (s->capture && (s->blocking || !only_blocking)) return s;
    return nullptr;
}

static int put(Stream* s, std::function<void()> run)
{
    if (!s || s->device != current_device) return invalid_handle;
    if (s->capture) {
        s->capture->nodes.push_back(std::move(run));
        return success;
    }
    Work work{std::move(s->next_after), std::move(run)};
    s->next_after.clear();
    if (s == legacy(s->device)) {
        if (Stream* other = capturing_stream(true))
            return refuse(other, "work on the default stream", capture_implicit);
        for (Stream* other : streams)
            if (other->blocking && other->device == s->device)
                work.after.push_back({other, other->end()});
    } else if (s->blocking) {
        work.after.push_back({legacy(s->device), legacy(s->device)->end()});
    }
    s->waiting.push_back(std::move(work));
    if (s->waiting.size() > longest_queue) finish(s, s->end());
    return success;
}

int enqueue(void* stream, std::function<void()> work)
{
    Lock lock(mutex);
    return put(find(stream), std::move(work));
}

bool is_capturing(void* stream)
{
    Lock lock(mutex);
    Stream* s = find(stream);
    return s && s->capture;
}

// --- memory -----------------------------------------------------------------------------------

struct Block {
    size_t size;
    int device;
};
static std::map<uintptr_t, Block> device_memory, pinned_memory;
struct Slack {  // the bytes behind an array up to the end of its piece of the pool
    size_t bytes;
    bool filled;
};
static std::map<uintptr_t, std::pair<size_t, Slack>> arrays;
static const unsigned char poison = 0xCD;

// Arrays that lie anywhere in these bytes are no more: the pool has given them out again.
static void forget_arrays(uintptr_t start, size_t n)
{
    auto next = arrays.lower_bound(start);
    while (next != arrays.end() && next->first < start + n) next = arrays.erase(next);
    if (next == arrays.begin()) return;
    auto before = std::prev(next);
    const auto& [size, slack] = before->second;
    if (before->first + size + slack.bytes > start) arrays.erase(before);
}

static bool inside(const std::map<uintptr_t, Block>& memory, const void* p)
{
    auto next = memory.upper_bound((uintptr_t)p);
    if (next == memory.begin()) return false;
    --next;
    return (uintptr_t)p < next->first + next->second.size;
}

static size_t megabytes(const char* variable, size_t otherwise)
{
    const char* text = std::getenv(variable);
    return (text ? std::strtoull(text, nullptr, 10) : otherwise) << 20;
}

static size_t total_memory() { return megabytes("EMULATED_GPU_MEGABYTES", 8192); }

static size_t used_memory(int device)
{
    size_t used = 0;
    for (auto& [address, block] : device_memory)
        if (block.device == device) used += block.size;
    return used;
}

static int device_count()
{
    const char* wanted = std::getenv("EMULATED_GPUS");
    int n = wanted ? std::atoi(wanted) : 1;
    if (const char* visible = std::getenv("CUDA_VISIBLE_DEVICES")) {
        int seen = 0;  // numbers up to the first that is none, as the CUDA runtime counts
        for (const char* p = visible; *p;) {
            char* end;
            long k = std::strtol(p, &end, 10);
            if (end == p || k < 0 || k >= n) break;
            seen++;
            p = *end == ',' ? end + 1 : end;
        }
        n = seen;
    }
    return n;
}

enum Direction { host_to_device = 1, device_to_host = 2, device_to_device = 3, by_address = 4 };

static int copy(void* to, const void* from, size_t n, int direction, Stream* s, bool wait)
{
    const bool to_device = inside(device_memory, to), from_device = inside(device_memory, from);
    if (direction == by_address)
        direction = to_device ? (from_device ? device_to_device : host_to_device) : device_to_host;
    if (to_device != (direction != device_to_host) || from_device != (direction != host_to_device)) {
        std::fprintf(stderr, "emulated GPU: a copy whose addresses are not where it says\n");
        return invalid_value;
    }
    if (direction == device_to_device) {
        if (!s->capture) counters.copies_on_device++;
        return put(s, [=] { std::memmove(to, from, n); });
    }
    const bool pinned = inside(pinned_memory, direction == host_to_device ? from : to);
    if (s->capture && (!pinned || wait)) return refuse(s, "a copy from or to ordinary host memory");
    if (direction == host_to_device) {
        counters.copies_to_device++;
        counters.bytes_to_device += n;
        if (pinned) {
            if (int error = put(s, [=] { std::memcpy(to, from, n); })) return error;
        } else {  // the bytes are taken at once, and may be changed after the call
            auto bytes = std::make_shared<std::vector<char>>((const char*)from, (const char*)from + n);
            if (int error = put(s, [=] { std::memcpy(to, bytes->data(), n); })) return error;
        }
    } else {
        counters.copies_to_host++;
        counters.bytes_to_host += n;
        if (int error = put(s, [=] { std::memcpy(to, from, n); })) return error;
        wait = wait || !pinned;
    }
    if (wait) {
        if (direction == device_to_host || !pinned) counters.synchronisations += wait;
        finish(s, s->end());
    }
    return success;
}

// --- kernels ----------------------------------------------------------------------------------

static int launch(const Kernel* kernel, const Grid& grid, void** arguments, Stream* s)
{
    auto values = std::make_shared<std::vector<std::vector<uint64_t>>>();
    for (unsigned int k = 0; k < kernel->n_arguments; ++k) {
        std::vector<uint64_t> value((kernel->sizes[k] + 7) / 8);
        std::memcpy(value.data(), arguments[k], kernel->sizes[k]);
        values->push_back(std::move(value));
    }
    counters.launches++;
    return put(s, [=] {
        std::vector<void*> pointers;
        for (auto& value : *values) pointers.push_back(value.data());
        Grid g = grid;
        g.reverse = reverse_order;
        kernel->launch(pointers.data(), g);
    });
}

}  // namespace emulated

using namespace emulated;

extern "C" {

// --- for the tests ----------------------------------------------------------------------------

const char* emulator_names() { return NAMES; }
const uint64_t* emulator_counters() { return (const uint64_t*)&counters; }
void emulator_reverse(int on) { Lock lock(mutex); finish_all(); reverse_order = on; }
void emulator_finish() { Lock lock(mutex); finish_all(); }

// CuPy's pool has handed out size bytes; the slack bytes behind them belong to nobody. All of them
// are filled, in the order of the stream, with what no program can have meant.
int emulator_poison(void* p, size_t size, size_t slack, void* stream)
{
    Lock lock(mutex);
    Stream* s = find(stream);
    if (!s) return invalid_handle;
    counters.pool_allocations++;
    if (s->capture) return success;
    forget_arrays((uintptr_t)p, size + slack);
    arrays[(uintptr_t)p] = {size, {slack, false}};
    return put(s, [=] {
        auto here = arrays.find((uintptr_t)p);
        std::memset(p, poison, size + slack);
        if (here != arrays.end() && here->second.first == size) here->second.second.filled = true;
    });
}

// How many arrays were written past their end so far.
int emulator_overruns()
{
    Lock lock(mutex);
    finish_all();
    int found = 0;
    for (auto& [start, array] : arrays) {
        const auto& [size, slack] = array;
        const unsigned char* end = (const unsigned char*)start + size;
        if (!slack.filled || !inside(device_memory, (void*)start)) continue;
        for (size_t k = 0; k < slack.bytes; ++k) {
            if (end[k] != poison) {
                std::fprintf(stderr, "emulated GPU: byte %zu behind an array of %zu was written\n",
                             k, size);
                ++found;
                break;
            }
        }
    }
    return found;
}

// --- devices ----------------------------------------------------------------------------------

int hipGetDeviceCount(int* n) { *n = device_count(); return *n ? success : no_device; }
int hipGetDevice(int* d) { *d = current_device; return success; }
int hipSetDevice(int d)
{
    if (d < 0 || d >= device_count()) return invalid_device;
    current_device = d;
    return success;
}
int hipDriverGetVersion(int* v) { *v = 70000000; return success; }
int hipRuntimeGetVersion(int* v) { *v = 70000000; return success; }
int hipDeviceSynchronize()
{
    Lock lock(mutex);
    if (Stream* s = capturing_stream(false)) return refuse(s, "waiting for the device");
    counters.synchronisations++;
    finish_all();
    return success;
}
int hipDeviceGetAttribute(int* value, int attribute, int)
{
    const int compute_capability_major = 23;
    *value = attribute == compute_capability_major ? 9 : 0;
    return success;
}

struct Properties {  // the beginning of hipDeviceProp_tR0600
    char name[256], uuid[16], luid[8];
    unsigned int luid_mask;
    size_t total_memory, shared_memory_per_block;
    int registers_per_block, warp_size;
    size_t pitch;
    int threads_per_block, block[3], grid[3], clock_rate;
    size_t constant_memory;
    int major, minor;
};
int hipGetDevicePropertiesR0600(void* properties, int device)
{
    if (device < 0 || device >= device_count()) return invalid_device;
    const size_t whole = 1472;
    std::memset(properties, 0, whole);
    Properties& p = *(Properties*)properties;
    std::strcpy(p.name, "emulated GPU (runs on the CPU)");
    p.total_memory = total_memory();
    p.shared_memory_per_block = 48 << 10;
    p.registers_per_block = 65536;
    p.warp_size = 32;
    p.threads_per_block = 1024;
    for (int k = 0; k < 3; ++k) {
        p.block[k] = k < 2 ? 1024 : 64;
        p.grid[k] = k ? 65535 : 0x7fffffff;
    }
    p.major = 9;
    return success;
}
int hipGetLastError() { return success; }
int hipPeekAtLastError() { return success; }
const char* hipGetErrorName(int error)
{
    switch (error) {
        case success: return "hipSuccess";
        case invalid_value: return "hipErrorInvalidValue";
        case out_of_memory: return "hipErrorOutOfMemory";
        case no_device: return "hipErrorNoDevice";
        case invalid_device: return "hipErrorInvalidDevice";
        case invalid_handle: return "hipErrorInvalidHandle";
        case not_supported: return "hipErrorNotSupported";
        case capture_unsupported: return "hipErrorStreamCaptureUnsupported";
        case capture_invalidated: return "hipErrorStreamCaptureInvalidated";
        case capture_implicit: return "hipErrorStreamCaptureImplicit";
    }
    return "hipErrorUnknown";
}
const char* hipGetErrorString(int error) { return hipGetErrorName(error); }
int hipDeviceCanAccessPeer(int* can, int, int) { *can = 0; return success; }
int hipDeviceGetLimit(size_t* value, int) { *value = 0; return success; }
int hipDeviceGetPCIBusId(char* text, int n, int) { std::snprintf(text, n, "0000:00:00.0"); return success; }

// --- memory -----------------------------------------------------------------------------------

int hipMemGetInfo(size_t* free, size_t* total)
{
    Lock lock(mutex);
    *total = total_memory();
    const size_t used = used_memory(current_device);
    *free = used < *total ? *total - used : 0;
    return success;
}
int hipMalloc(void** p, size_t n)
{
    Lock lock(mutex);
    const size_t rounded = (n + 511) / 512 * 512;
    if (used_memory(current_device) + rounded > total_memory()) return out_of_memory;
    counters.allocations++;
    *p = std::aligned_alloc(512, rounded);
    if (!*p) return out_of_memory;
    std::memset(*p, poison, rounded);
    device_memory[(uintptr_t)*p] = {rounded, current_device};
    return success;
}
int hipMallocManaged(void** p, size_t n, unsigned) { return hipMalloc(p, n); }
int hipFree(void* p)
{
    Lock lock(mutex);
    if (!p) return success;
    counters.frees++;
    finish_all();  // freeing waits for the device
    auto block = device_memory.find((uintptr_t)p);
    if (block == device_memory.end()) return invalid_value;
    forget_arrays((uintptr_t)p, block->second.size);
    device_memory.erase(block);
    std::free(p);
    return success;
}
int hipHostMalloc(void** p, size_t n, unsigned)
{
    Lock lock(mutex);
    counters.host_allocations++;
    const size_t rounded = (n + 4095) / 4096 * 4096;
    *p = std::aligned_alloc(4096, rounded);
    if (!*p) return out_of_memory;
    pinned_memory[(uintptr_t)*p] = {rounded, current_device};
    return success;
}
int hipHostFree(void* p)
{
    Lock lock(mutex);
    if (!p) return success;
    finish_all();
    pinned_memory.erase((uintptr_t)p);
    std::free(p);
    return success;
}
int hipMemcpy(void* to, const void* from, size_t n, int direction)
{
    Lock lock(mutex);
    return copy(to, from, n, direction, legacy(current_device), true);
}
int hipMemcpyAsync(void* to, const void* from, size_t n, int direction, void* stream)
{
    Lock lock(mutex);
    Stream* s = find(stream);
    return s ? copy(to, from, n, direction, s, false) : invalid_handle;
}
int hipMemcpyPeer(void* to, int, const void* from, int, size_t n)
{
    return hipMemcpy(to, from, n, device_to_device);
}
int hipMemcpyPeerAsync(void* to, int, const void* from, int, size_t n, void* stream)
{
    return hipMemcpyAsync(to, from, n, device_to_device, stream);
}
int hipMemsetAsync(void* p, int value, size_t n, void* stream)
{
    Lock lock(mutex);
    counters.fills++;
    return put(find(stream), [=] { std::memset(p, value, n); });
}
int hipMemset(void* p, int value, size_t n) { return hipMemsetAsync(p, value, n, nullptr); }

struct PointerAttributes {
    int type, device;
    void *on_device, *on_host;
    int managed;
    unsigned int flags;
};
int hipPointerGetAttributes(PointerAttributes* found, const void* p)
{
    Lock lock(mutex);
    std::memset(found, 0, sizeof *found);
    auto next = device_memory.upper_bound((uintptr_t)p);
    if (inside(device_memory, p)) {
        found->type = 2;
        found->device = std::prev(next)->second.device;
        found->on_device = (void*)p;
    } else if (inside(pinned_memory, p)) {
        found->type = 1;
        found->on_device = found->on_host = (void*)p;
    } else {
        found->device = -2;
    }
    return success;
}

// --- streams and events -----------------------------------------------------------------------

int hipStreamCreateWithFlags(void** stream, unsigned int flags)
{
    Lock lock(mutex);
    Stream* s = new Stream;
    s->device = current_device;
    s->blocking = !(flags & 1);
    streams.insert(s);
    *stream = s;
    return success;
}
int hipStreamCreate(void** stream) { return hipStreamCreateWithFlags(stream, 0); }
int hipStreamCreateWithPriority(void** stream, unsigned int flags, int)
{
    return hipStreamCreateWithFlags(stream, flags);
}
int hipStreamDestroy(void* stream)
{
    Lock lock(mutex);
    Stream* s = find(stream);
    if (!s) return invalid_handle;
    finish(s, s->end());
    streams.erase(s);  // the object stays: work of other streams may still point to it
    return success;
}
int hipStreamSynchronize(void* stream)
{
    Lock lock(mutex);
    Stream* s = find(stream);
    if (!s) return invalid_handle;
    if (s->capture) return refuse(s, "waiting for a stream");
    counters.synchronisations++;
    if (s == legacy(s->device)) put(s, [] {});  // it waits for the blocking streams, too
    finish(s, s->end());
    return success;
}
int hipStreamQuery(void* stream)
{
    Lock lock(mutex);
    Stream* s = find(stream);
    if (!s) return invalid_handle;
    if (s->capture) return refuse(s, "asking a stream");
    finish(s, s->end());
    return success;
}
int hipStreamGetFlags(void* stream, unsigned int* flags)
{
    Lock lock(mutex);
    Stream* s = find(stream);
    *flags = s && !s->blocking;
    return s ? success : invalid_handle;
}
int hipStreamAddCallback(void* stream, void (*call)(void*, int, void*), void* data, unsigned int)
{
    return enqueue(stream, [=] { call(stream, success, data); });
}
int hipLaunchHostFunc(void* stream, void (*call)(void*), void* data)
{
    return enqueue(stream, [=] { call(data); });
}
int hipStreamWaitEvent(void* stream, void* event, unsigned int)
{
    Lock lock(mutex);
    Stream* s = find(stream);
    Event* e = (Event*)event;
    if (!s) return invalid_handle;
    if (e->capture) s->capture = e->capture;  // the stream takes part in the capture
    else if (e->point.stream) s->next_after.push_back(e->point);
    return success;
}

static double now()
{
    using namespace std::chrono;
    return duration<double, std::milli>(steady_clock::now().time_since_epoch()).count();
}
int hipEventCreateWithFlags(void** event, unsigned int) { *event = new Event; return success; }
int hipEventCreate(void** event) { return hipEventCreateWithFlags(event, 0); }
int hipEventDestroy(void*) { return success; }  // pending work may still point to it
int hipEventRecord(void* event, void* stream)
{
    Lock lock(mutex);
    Event* e = (Event*)event;
    Stream* s = find(stream);
    if (!s) return invalid_handle;
    e->capture = s->capture;
    if (s->capture) return success;
    if (int error = put(s, [=] { e->milliseconds = now(); })) return error;
    e->point = {s, s->end()};
    return success;
}
int hipEventSynchronize(void* event)
{
    Lock lock(mutex);
    Event* e = (Event*)event;
    if (e->capture && e->capture->valid) e->capture->valid = false;
    if (e->capture) return capture_unsupported;
    counters.synchronisations++;
    if (e->point.stream) finish(e->point.stream, e->point.position);
    return success;
}
int hipEventQuery(void* event)
{
    Lock lock(mutex);
    Event* e = (Event*)event;
    if (e->point.stream) finish(e->point.stream, e->point.position);
    return success;
}
int hipEventElapsedTime(float* milliseconds, void* from, void* to)
{
    Lock lock(mutex);
    for (void* event : {from, to}) hipEventQuery(event);
    *milliseconds = (float)(((Event*)to)->milliseconds - ((Event*)from)->milliseconds);
    return success;
}

// --- capture ----------------------------------------------------------------------------------

int hipStreamBeginCapture(void* stream, int)
{
    Lock lock(mutex);
    Stream* s = find(stream);
    if (!s) return invalid_handle;
    if (s == legacy(s->device) || s->capture) return capture_unsupported;
    s->capture = std::make_shared<Graph>();
    return success;
}
int hipStreamEndCapture(void* stream, void** graph)
{
    Lock lock(mutex);
    Stream* s = find(stream);
    *graph = nullptr;
    if (!s || !s->capture) return invalid_handle;
    std::shared_ptr<Graph> captured = s->capture;
    for (Stream* other : streams)
        if (other->capture == captured) other->capture = nullptr;
    if (!captured->valid) return capture_invalidated;
    *graph = new Graph(*captured);
    return success;
}
int hipStreamIsCapturing(void* stream, int* status)
{
    Lock lock(mutex);
    Stream* s = find(stream);
    if (!s) return invalid_handle;
    *status = !s->capture ? 0 : s->capture->valid ? 1 : 2;
    return success;
}
int hipGraphInstantiate(void** executable, void* graph, void*, char*, size_t)
{
    *executable = new Graph(*(Graph*)graph);
    return success;
}
int hipGraphLaunch(void* executable, void* stream)
{
    Lock lock(mutex);
    counters.graph_launches++;
    Graph graph = *(Graph*)executable;
    return put(find(stream), [graph] { for (auto& node : graph.nodes) node(); });
}
int hipGraphUpload(void*, void*) { return success; }
int hipGraphDestroy(void* graph) { delete (Graph*)graph; return success; }
int hipGraphExecDestroy(void* graph) { delete (Graph*)graph; return success; }

// --- kernels ----------------------------------------------------------------------------------

// An 'image' is the path of a shared library that g++ has made.
// The image is "path#prefix": a library, and what the names of this module begin with there.
struct Module {
    void* library;
    std::string prefix;
};
int hipModuleLoadData(void** module, const void* image)
{
    const std::string place = (const char*)image;
    const size_t end = place.rfind('#');
    void* library = dlopen(place.substr(0, end).c_str(), RTLD_NOW | RTLD_LOCAL);
    if (!library) std::fprintf(stderr, "emulated GPU: %s\n", dlerror());
    *module = library ? new Module{library, place.substr(end + 1)} : nullptr;
    return library ? success : invalid_image;
}
int hipModuleLoad(void** module, const char* path) { return hipModuleLoadData(module, path); }
int hipModuleUnload(void*) { return success; }  // pending work may still need it
int hipModuleGetFunction(void** function, void* module, const char* name)
{
    const auto* from = (const Module*)module;
    *function = dlsym(from->library, (from->prefix + name + "__kernel").c_str());
    return *function ? success : not_found;
}
int hipModuleGetGlobal(void** address, size_t* size, void* module, const char* name)
{
    *address = dlsym(((const Module*)module)->library, name);
    if (size) *size = 0;
    return *address ? success : not_found;
}
int hipModuleLaunchKernel(void* function, unsigned int gx, unsigned int gy, unsigned int gz,
                          unsigned int bx, unsigned int by, unsigned int bz, unsigned int,
                          void* stream, void** arguments, void**)
{
    Lock lock(mutex);
    const unsigned long long threads = 1ull * bx * by * bz;
    if (!gx || !gy || !gz || !threads || threads > 1024 || gy > 65535 || gz > 65535)
        return invalid_value;
    return launch((const Kernel*)function, Grid{{gx, gy, gz}, {bx, by, bz}, 0}, arguments, find(stream));
}
int hipFuncGetAttribute(int* value, int, void*) { *value = 1024; return success; }
int hipOccupancyMaxActiveBlocksPerMultiprocessor(int* n, void*, int, size_t) { *n = 4; return success; }

// CuPy asks for the compiler's version; its work is g++'s.
int hiprtcVersion(int* major, int* minor) { *major = 7; *minor = 0; return success; }
const char* hiprtcGetErrorString(int) { return "emulated GPU: there is no hiprtc"; }

// Kernels inside the wheel's own libraries are AMD code: registered, never run.
void** __hipRegisterFatBinary(void*) { static void* handle[4]; return handle; }
void __hipRegisterFunction(void**, const void*, char*, const char*, unsigned int, void*, void*, void*,
                           void*, int*) {}
void __hipUnregisterFatBinary(void**) {}

}  // extern "C"
