// What the parts of the emulated driver share.
#pragma once
#include <cstdint>
#include <functional>

namespace emulated {

struct Stream;

// What happened since the process began. The order is that of NAMES in runtime.cpp.
struct Counters {
    uint64_t launches, graph_launches, products;
    uint64_t copies_to_device, copies_to_host, copies_on_device, fills;
    uint64_t bytes_to_device, bytes_to_host;
    uint64_t synchronisations, allocations, frees, pool_allocations, host_allocations;
};
extern Counters counters;

// Do work on a stream, in its order: later, or in every replay of the graph that it captures.
// Returns 0 or an error code.
int enqueue(void* stream, std::function<void()> work);
bool is_capturing(void* stream);

}  // namespace emulated
