// Enough of CUDA C++ to compile the text of a kernel for the CPU and run it, block after block.
//
// A kernel without barriers is a loop over its threads. In one with barriers (also those inside a
// warp, such as shuffles) every thread of the block is a coroutine that runs up to the barrier, and
// none goes on before all have come there: a wrong barrier shows. Blocks and threads can be run in
// the reverse order, so that numbers which depend on the order show too; a race within the same
// order does not.
#pragma once
// Every compilation of a kernel loads what is included here: without <tuple> and without the special
// functions of C++17's <cmath>, which bring half of the standard library along, it takes half the time.
#include <bits/c++config.h>
#undef _GLIBCXX_USE_STD_SPEC_FUNCS
#define _GLIBCXX_USE_STD_SPEC_FUNCS 0
#include <cassert>
#include <cfloat>
#include <climits>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <initializer_list>
#include <sys/mman.h>
#include <type_traits>
#include <ucontext.h>
#include <utility>

#include "kernel.h"

#define __global__
#define __device__
#define __host__
#define __forceinline__ inline
#define __noinline__
#define __constant__ static
#define __shared__ static
#define __launch_bounds__(...)
#define __align__(n) __attribute__((aligned(n)))

struct uint3 { unsigned int x, y, z; };
struct dim3 { unsigned int x, y, z; };
static uint3 threadIdx, blockIdx;
static dim3 blockDim, gridDim;
static const int warpSize = 32;

// --- barriers ---------------------------------------------------------------------------------

namespace emulated {

enum Wait { nothing, the_warp, the_block };
const unsigned int most_threads = 1024;
// Not a power of two: the stacks' ends would all lie at the same places of the processor's cache.
const size_t stack_bytes = 64 * 1024 + 320;

// A place in the code to go back to, as the compiler makes it. The C library's setjmp keeps every
// register, whether or not anybody needs it again, and would be half of what a barrier costs.
typedef void* Place[5];

struct Thread {
    Place here;
    uint3 index;
    Wait waits_for;
    bool started, done;
};
static Thread* threads;
static ucontext_t* first_entries;
static Place scheduler;
static unsigned int current, turn, block_threads;
static bool in_reverse;
static void (*body)(void**);
static void** body_arguments;

// Jumps are functions of their own: the compiler allows none where it keeps a place.
[[noreturn]] __attribute__((noinline)) static void go(Place where) { __builtin_longjmp(where, 1); }

// Let the next thread go on that waits for nothing; after the last, the scheduler.
[[noreturn]] __attribute__((noinline)) static void next()
{
    while (turn < block_threads) {
        const unsigned int t = in_reverse ? block_threads - 1 - turn : turn;
        Thread& thread = threads[t];
        ++turn;
        if (thread.done || thread.waits_for != nothing) continue;
        current = t;
        threadIdx = thread.index;
        if (thread.started) go(thread.here);
        thread.started = true;
        setcontext(&first_entries[t]);
    }
    go(scheduler);
}

__attribute__((noinline)) static void wait(Wait what)
{
    threads[current].waits_for = what;
    if (!__builtin_setjmp(threads[current].here)) next();
}

__attribute__((noinline)) static void give_each_a_turn()
{
    turn = 0;
    if (!__builtin_setjmp(scheduler)) next();
}

// The last entry of a thread's life: after its body it waits for the next block.
static void thread_main()
{
    for (;;) {
        body(body_arguments);
        threads[current].done = true;
        wait(nothing);
    }
}

static inline void make_threads()
{
    if (threads) return;
    threads = (Thread*)std::calloc(most_threads, sizeof(Thread));
    first_entries = (ucontext_t*)std::calloc(most_threads, sizeof(ucontext_t));
    char* stacks = (char*)mmap(nullptr, most_threads * stack_bytes, PROT_READ | PROT_WRITE,
                               MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    for (unsigned int t = 0; t < most_threads; ++t) {
        getcontext(&first_entries[t]);
        first_entries[t].uc_stack.ss_sp = stacks + t * stack_bytes;
        first_entries[t].uc_stack.ss_size = stack_bytes;
        first_entries[t].uc_link = nullptr;
        makecontext(&first_entries[t], thread_main, 0);
    }
}

static inline uint3 index_of(unsigned int t)
{
    return {t % blockDim.x, t / blockDim.x % blockDim.y, t / (blockDim.x * blockDim.y)};
}

// Let the threads go on that wait for what has come; return whether there are any.
static bool release(unsigned int n)
{
    bool released = false, all_at_block = true, some = false;
    for (unsigned int warp = 0; warp < n; warp += 32) {
        bool all_at_warp = true, alive = false;
        for (unsigned int t = warp; t < n && t < warp + 32; ++t) {
            if (threads[t].done) continue;
            alive = some = true;
            all_at_warp &= threads[t].waits_for == the_warp;
            all_at_block &= threads[t].waits_for == the_block;
        }
        if (!alive || !all_at_warp) continue;
        released = true;
        for (unsigned int t = warp; t < n && t < warp + 32; ++t) threads[t].waits_for = nothing;
    }
    if (some && all_at_block) {
        released = true;
        for (unsigned int t = 0; t < n; ++t) threads[t].waits_for = nothing;
    }
    if (some && !released) {
        std::fprintf(stderr, "emulated GPU: the threads of a block wait at different barriers\n");
        std::abort();
    }
    return released;
}

static void run_block_with_barriers(unsigned int n, bool reverse)
{
    make_threads();
    for (unsigned int t = 0; t < n; ++t) {
        threads[t].index = index_of(t);
        threads[t].done = false;
        threads[t].waits_for = nothing;
    }
    block_threads = n;
    in_reverse = reverse;
    do give_each_a_turn();
    while (release(n));
}

// --- launches ---------------------------------------------------------------------------------

template <class F> struct Signature;
template <class... A> struct Signature<void (*)(A...)> {
    static constexpr unsigned int n = sizeof...(A);
    static constexpr unsigned int sizes[n + 1] = {sizeof(A)..., 0};
    template <auto function, size_t... k>
    static inline void call(void** arguments, std::index_sequence<k...>)
    {
        function(*(A*)arguments[k]...);
    }
};

template <auto function> static void call_once(void** arguments)
{
    using Its = Signature<decltype(function)>;
    Its::template call<function>(arguments, std::make_index_sequence<Its::n>{});
}

template <auto function, bool barriers> static void launch(void** arguments, const Grid& g)
{
    gridDim = {g.grid[0], g.grid[1], g.grid[2]};
    blockDim = {g.block[0], g.block[1], g.block[2]};
    const unsigned int n = blockDim.x * blockDim.y * blockDim.z;
    const unsigned long long blocks = 1ull * gridDim.x * gridDim.y * gridDim.z;
    body = call_once<function>;
    body_arguments = arguments;
    for (unsigned long long i = 0; i < blocks; ++i) {
        const unsigned long long b = g.reverse ? blocks - 1 - i : i;
        blockIdx = {(unsigned int)(b % gridDim.x), (unsigned int)(b / gridDim.x % gridDim.y),
                    (unsigned int)(b / gridDim.x / gridDim.y)};
        if (barriers) {
            run_block_with_barriers(n, g.reverse);
        } else {
            for (unsigned int t = 0; t < n; ++t) {
                threadIdx = index_of(g.reverse ? n - 1 - t : t);
                call_once<function>(arguments);
            }
        }
    }
}

// --- values between the threads of a warp -----------------------------------------------------

static unsigned long long slots[2][most_threads];
static unsigned char parity[most_threads];

static inline unsigned int thread_number()
{
    return threadIdx.x + blockDim.x * (threadIdx.y + blockDim.y * threadIdx.z);
}

// Two sets of slots in turn: nobody writes a slot again before all have read it.
template <class T> static inline T exchange(T value, unsigned int lane)
{
    static_assert(sizeof(T) <= 8, "a shuffle takes at most 8 bytes");
    const unsigned int t = thread_number(), p = parity[t] ^= 1;
    std::memcpy(&slots[p][t], &value, sizeof value);
    wait(the_warp);
    std::memcpy(&value, &slots[p][t / 32 * 32 + lane % 32], sizeof value);
    return value;
}

}  // namespace emulated

// KERNEL(name, known, whether it has barriers) makes a kernel known under known__kernel.
#define EMULATED_KERNEL(name, known, barriers)                                        \
    extern "C" const emulated::Kernel known##__kernel = {                             \
        emulated::launch<&name, barriers>, emulated::Signature<decltype(&name)>::n,   \
        emulated::Signature<decltype(&name)>::sizes};

static inline void __syncthreads() { emulated::wait(emulated::the_block); }
static inline void __syncwarp(unsigned int = ~0u) { emulated::wait(emulated::the_warp); }
static inline void __threadfence() {}
static inline void __threadfence_block() {}

template <class T> static inline T __shfl_sync(unsigned int, T value, int lane, int width = 32)
{
    const int me = emulated::thread_number() % 32;
    return emulated::exchange(value, me / width * width + lane % width);
}
template <class T> static inline T __shfl_down_sync(unsigned int, T value, int by, int width = 32)
{
    const int me = emulated::thread_number() % 32;
    return emulated::exchange(value, me % width + by < width ? me + by : me);
}
template <class T> static inline T __shfl_up_sync(unsigned int, T value, int by, int width = 32)
{
    const int me = emulated::thread_number() % 32;
    return emulated::exchange(value, me % width - by >= 0 ? me - by : me);
}
template <class T> static inline T __shfl_xor_sync(unsigned int, T value, int mask, int width = 32)
{
    const int me = emulated::thread_number() % 32, to = me ^ mask;
    return emulated::exchange(value, to / width == me / width ? to : me);
}

// --- atomic operations: one thread runs at a time ---------------------------------------------

template <class T, class U> static inline T atomicAdd(T* p, U v) { T old = *p; *p = (T)(old + v); return old; }
template <class T> static inline T atomicMax(T* p, T v) { T old = *p; if (v > old) *p = v; return old; }
template <class T> static inline T atomicMin(T* p, T v) { T old = *p; if (v < old) *p = v; return old; }
template <class T> static inline T atomicExch(T* p, T v) { T old = *p; *p = v; return old; }
template <class T> static inline T atomicCAS(T* p, T c, T v) { T old = *p; if (old == c) *p = v; return old; }

// --- mathematics ------------------------------------------------------------------------------

using std::abs; using std::cbrt; using std::ceil; using std::copysign; using std::cos;
using std::erf; using std::exp; using std::exp2; using std::expm1; using std::fabs;
using std::floor; using std::fma; using std::fmod; using std::isfinite; using std::isinf;
using std::isnan; using std::log; using std::log1p; using std::log2; using std::pow;
using std::rint; using std::signbit; using std::sin; using std::sqrt; using std::tanh;
using std::trunc;

#define EMULATED_MAX_MIN(T)                                      \
    static inline T max(T a, T b) { return a > b ? a : b; }      \
    static inline T min(T a, T b) { return a < b ? a : b; }
EMULATED_MAX_MIN(int)
EMULATED_MAX_MIN(unsigned int)
EMULATED_MAX_MIN(long)
EMULATED_MAX_MIN(unsigned long)
EMULATED_MAX_MIN(long long)
EMULATED_MAX_MIN(unsigned long long)
static inline float max(float a, float b) { return fmaxf(a, b); }
static inline float min(float a, float b) { return fminf(a, b); }
static inline double max(double a, double b) { return fmax(a, b); }
static inline double min(double a, double b) { return fmin(a, b); }

static inline float rsqrtf(float x) { return 1.0f / sqrtf(x); }
static inline float rsqrt(float x) { return 1.0f / sqrtf(x); }
static inline double rsqrt(double x) { return 1.0 / std::sqrt(x); }
#define __expf expf
#define __logf logf
#define __powf powf
static inline float __fdividef(float a, float b) { return a / b; }
static inline float __fadd_rn(float a, float b) { return a + b; }
static inline float __fmul_rn(float a, float b) { return a * b; }
static inline float __fdiv_rn(float a, float b) { return a / b; }
static inline float __fsqrt_rn(float a) { return sqrtf(a); }
static inline float __fmaf_rn(float a, float b, float c) { return fmaf(a, b, c); }
static inline double __dadd_rn(double a, double b) { return a + b; }
static inline double __dmul_rn(double a, double b) { return a * b; }
static inline double __ddiv_rn(double a, double b) { return a / b; }
static inline double __dsqrt_rn(double a) { return std::sqrt(a); }
static inline double __fma_rn(double a, double b, double c) { return std::fma(a, b, c); }

static inline int __clz(unsigned int x) { return x ? __builtin_clz(x) : 32; }
static inline int __popc(unsigned int x) { return __builtin_popcount(x); }
static inline int __popcll(unsigned long long x) { return __builtin_popcountll(x); }
static inline unsigned int __umulhi(unsigned int a, unsigned int b)
{
    return (unsigned int)((unsigned long long)a * b >> 32);
}
static inline unsigned long long __umul64hi(unsigned long long a, unsigned long long b)
{
    return (unsigned long long)((unsigned __int128)a * b >> 64);
}

namespace emulated {
template <class To, class From> static inline To bits(From x)
{
    To to;
    static_assert(sizeof to == sizeof x, "the same bits as another type");
    std::memcpy(&to, &x, sizeof to);
    return to;
}
}
static inline float __int_as_float(int x) { return emulated::bits<float>(x); }
static inline float __uint_as_float(unsigned int x) { return emulated::bits<float>(x); }
static inline int __float_as_int(float x) { return emulated::bits<int>(x); }
static inline unsigned int __float_as_uint(float x) { return emulated::bits<unsigned int>(x); }
static inline double __longlong_as_double(long long x) { return emulated::bits<double>(x); }
static inline long long __double_as_longlong(double x) { return emulated::bits<long long>(x); }
template <class T> static inline T __ldg(const T* p) { return *p; }

// --- vectors: 16 bytes at once ----------------------------------------------------------------

#define EMULATED_VECTORS(T, name, wide)                                                       \
    struct __align__(2 * sizeof(T)) name##2 { T x, y; };                                      \
    struct __align__(wide) name##4 { T x, y, z, w; };                                         \
    static inline name##2 make_##name##2(T x, T y) { return {x, y}; }                         \
    static inline name##4 make_##name##4(T x, T y, T z, T w) { return {x, y, z, w}; }
EMULATED_VECTORS(float, float, 16)
EMULATED_VECTORS(double, double, 16)
EMULATED_VECTORS(int, int, 16)
EMULATED_VECTORS(unsigned int, uint, 16)
EMULATED_VECTORS(long long, longlong, 16)
EMULATED_VECTORS(unsigned long long, ulonglong, 16)
