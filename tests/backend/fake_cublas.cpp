// A libcublas for main memory: column-major products by their definition, and what was asked for.
#include <cstring>

namespace {

struct Call {
    int operation_a, operation_b, m, n, k, lda, ldb, ldc, batches;
    double alpha, beta;
    void* stream;
};
struct Handle { void* stream; void* workspace; size_t bytes; int mode; };

Call last;
int calls, handles, fails;

template <class T>
int gemm(Handle* h, int oa, int ob, int m, int n, int k, const T* alpha, const T* A, int lda,
         long long sa, const T* B, int ldb, long long sb, const T* beta, T* C, int ldc,
         long long sc, int batches)
{
    last = {oa, ob, m, n, k, lda, ldb, ldc, batches, (double)*alpha, (double)*beta, h->stream};
    ++calls;
    if (fails) return 13;
    const auto least = [](int rows) { return rows > 1 ? rows : 1; };
    if (m < 0 || n < 0 || k < 0 || batches < 0) return 7;
    if (lda < least(oa ? k : m) || ldb < least(ob ? n : k) || ldc < least(m)) return 7;
    for (int s = 0; s < batches; ++s) {
        const T *a = A + s * sa, *b = B + s * sb;
        T* c = C + s * sc;
        for (int j = 0; j < n; ++j)
            for (int i = 0; i < m; ++i) {
                double sum = 0;
                for (int p = 0; p < k; ++p)
                    sum += (double)(oa ? a[p + (long)i * lda] : a[i + (long)p * lda]) *
                           (double)(ob ? b[j + (long)p * ldb] : b[p + (long)j * ldb]);
                T& out = c[i + (long)j * ldc];
                out = (T)(*alpha * sum) + (*beta == 0 ? (T)0 : *beta * out);
            }
    }
    return 0;
}

}  // namespace

#define GEMM(name, T)                                                                            \
    int name##gemm_v2(Handle* h, int oa, int ob, int m, int n, int k, const T* alpha,            \
                      const T* A, int lda, const T* B, int ldb, const T* beta, T* C, int ldc)    \
    { return gemm<T>(h, oa, ob, m, n, k, alpha, A, lda, 0, B, ldb, 0, beta, C, ldc, 0, 1); }     \
    int name##gemmStridedBatched(Handle* h, int oa, int ob, int m, int n, int k, const T* alpha, \
                                 const T* A, int lda, long long sa, const T* B, int ldb,         \
                                 long long sb, const T* beta, T* C, int ldc, long long sc,       \
                                 int batches)                                                    \
    { return gemm<T>(h, oa, ob, m, n, k, alpha, A, lda, sa, B, ldb, sb, beta, C, ldc, sc, batches); }

extern "C" {

int cublasCreate_v2(Handle** h) { *h = new Handle(); ++handles; return 0; }
int cublasDestroy_v2(Handle* h) { delete h; --handles; return 0; }
int cublasSetStream_v2(Handle* h, void* stream)
{
    h->stream = stream;
    h->workspace = nullptr;  // as cuBLAS does: back to its own
    return 0;
}
int cublasSetWorkspace_v2(Handle* h, void* workspace, size_t bytes)
{
    h->workspace = workspace;
    h->bytes = bytes;
    return 0;
}
int cublasSetMathMode(Handle* h, int mode) { h->mode = mode; return mode == 0 || mode == 3 ? 0 : 7; }
int cublasGetVersion_v2(Handle*, int* version) { *version = 120801; return 0; }
GEMM(cublasS, float)
GEMM(cublasD, double)

const Call* fake_last() { return &last; }
int fake_calls() { return calls; }
int fake_handles() { return handles; }
void fake_fail(int on) { fails = on; }
void fake_workspace(Handle* h, void** place, size_t* bytes, int* mode)
{
    *place = h->workspace;
    *bytes = h->bytes;
    *mode = h->mode;
}

}  // extern "C"
