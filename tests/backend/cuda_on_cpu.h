// Enough of CUDA C++ to run the text of a kernel on the CPU, one thread after the other.
//
// A kernel that meets at __syncthreads() runs its block's threads as coroutines: each runs to the
// barrier, and only when all have come there does the first one go on. A wrong barrier therefore
// shows; a race between two barriers may not.
#include <cmath>
#include <cstring>
#include <tuple>
#include <type_traits>
#include <ucontext.h>
#include <utility>
#include <vector>

#define __global__
#define __device__
#define __launch_bounds__(...)
#define __shared__ static
#define __forceinline__ inline
#define __align__(n) __attribute__((aligned(n)))

struct Index { unsigned int x, y, z; };
static Index threadIdx, blockIdx, blockDim, gridDim;

static inline float __int_as_float(int bits) { float f; std::memcpy(&f, &bits, 4); return f; }
static inline double __longlong_as_double(long long bits)
{
    double d;
    std::memcpy(&d, &bits, 8);
    return d;
}
static inline unsigned long long __umul64hi(unsigned long long a, unsigned long long b)
{
    return (unsigned long long)(((unsigned __int128)a * b) >> 64);
}

struct Coroutine { ucontext_t context; std::vector<char> stack; bool done; };
static std::vector<Coroutine> coroutines;
static ucontext_t scheduler;
static unsigned int current;
static void (*thread_body)(void*);
static void* thread_argument;

static inline void __syncthreads() { swapcontext(&coroutines[current].context, &scheduler); }

static void coroutine_entry()
{
    thread_body(thread_argument);
    coroutines[current].done = true;
    swapcontext(&coroutines[current].context, &scheduler);
}

static void run_block_of_coroutines(unsigned int threads)
{
    if (coroutines.size() < threads) coroutines.resize(threads);
    for (unsigned int t = 0; t < threads; ++t) {
        Coroutine& c = coroutines[t];
        c.stack.resize(32768);
        c.done = false;
        getcontext(&c.context);
        c.context.uc_stack.ss_sp = c.stack.data();
        c.context.uc_stack.ss_size = c.stack.size();
        c.context.uc_link = nullptr;
        makecontext(&c.context, coroutine_entry, 0);
    }
    for (bool some = true; some;) {
        some = false;
        for (unsigned int t = 0; t < threads; ++t) {
            if (coroutines[t].done) continue;
            some = true;
            current = t;
            threadIdx = {t, 0, 0};
            swapcontext(&scheduler, &coroutines[t].context);
        }
    }
}

template <class Body>
static void run_grid(unsigned int blocks, unsigned int threads, bool barriers, Body body)
{
    gridDim = {blocks, 1, 1};
    blockDim = {threads, 1, 1};
    for (unsigned int b = 0; b < blocks; ++b) {
        blockIdx = {b, 0, 0};
        if (barriers) {
            thread_body = [](void* p) { (*(Body*)p)(); };
            thread_argument = &body;
            run_block_of_coroutines(threads);
        } else {
            for (unsigned int t = 0; t < threads; ++t) {
                threadIdx = {t, 0, 0};
                body();
            }
        }
    }
}

// arguments[k] points to the k-th argument, as in cuLaunchKernel.
template <class... A, std::size_t... K>
static void launch(void (*kernel)(A...), void** arguments, unsigned int blocks,
                   unsigned int threads, bool barriers, std::index_sequence<K...>)
{
    run_grid(blocks, threads, barriers, [&] { kernel(*(A*)arguments[K]...); });
}
template <class... A>
static void launch(void (*kernel)(A...), void** arguments, unsigned int blocks,
                   unsigned int threads, bool barriers)
{
    launch(kernel, arguments, blocks, threads, barriers, std::index_sequence_for<A...>{});
}
