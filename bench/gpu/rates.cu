/* The rates that the design's bounds rest on, as this device has them: lane operations a clock and
 * multiprocessor of the pipes that the kernels wait for.
 *
 *   rate = threads * LOOPS * CHAINS * operations a step / clocks of the slowest block
 *
 * Geometry: one block a multiprocessor (it takes 128 KiB of shared memory, so that no second one
 * fits), of 128, 256 and 512 threads; each thread has CHAINS chains that do not depend on each
 * other, so that it is the pipe and not its latency that is measured. A block reads the clock
 * before and after its loop.
 *
 * CLMAD, the carry-less multiply-add, is checked against the same product bit by bit before it is
 * timed. It is left out where the compiler is older than CUDA 13.3, which does not know it, and on
 * devices below compute capability 8.0, as is the one-bit mma.
 *
 *   bench/gpu/rates      (no options; built by the target parseal_gpu_rates, needs a driver only)
 *
 * Exit status: 0 all rates were measured; 1 a product was wrong or a CUDA call failed; 77 no
 * device.
 */
#include <cstdint>
#include <cstdio>
#include <vector>

typedef uint32_t u32;
typedef uint64_t u64;

#if __CUDACC_VER_MAJOR__ > 13 || (__CUDACC_VER_MAJOR__ == 13 && __CUDACC_VER_MINOR__ >= 3)
#define HAS_CLMAD 1
#else
#define HAS_CLMAD 0
#endif

enum { LOOPS = 2048, CHAINS = 8, TABLE_WORDS = 32768, TABLE_BYTES = 4 * TABLE_WORDS, LANES = 32 };

enum operation {
    LOAD_SHARED, /* a word of the lane's own bank, at an address that is data */
    DOT_BYTES,   /* dp4a */
    LOGIC,       /* lop3 */
    MULTIPLY,    /* 32 x 32 to 64 bits */
    CARRYLESS,   /* clmad.lo */
    CARRYLESS_2, /* clmad.lo and clmad.hi, a whole product */
    MATRIX,      /* m16n8k256 of bits, one for a warp */
    LOOKUP       /* a round's step: address by dp4a, load, three-way exclusive or */
};

/* ------------------------------------------------------------------------------ instructions -- */

#define FN static __device__ __forceinline__

FN u32 load_word(u32 address)
{
    u32 word;
    asm volatile("ld.shared.u32 %0, [%1];" : "=r"(word) : "r"(address));
    return word;
}

FN u32 dot_bytes(u32 a, u32 b, u32 c)
{
    u32 sum;
    asm volatile("dp4a.u32.u32 %0, %1, %2, %3;" : "=r"(sum) : "r"(a), "r"(b), "r"(c));
    return sum;
}

FN u32 exclusive_or(u32 a, u32 b, u32 c)
{
    u32 result;
    asm volatile("lop3.b32 %0, %1, %2, %3, 0x96;" : "=r"(result) : "r"(a), "r"(b), "r"(c));
    return result;
}

FN u64 multiply(u32 a, u32 b)
{
    u64 product;
    asm volatile("mul.wide.u32 %0, %1, %2;" : "=l"(product) : "r"(a), "r"(b));
    return product;
}

/* Return the low and the high half of a's and b's carry-less product, plus c. */
FN u64 carryless_low(u64 a, u64 b, u64 c)
{
#if HAS_CLMAD && __CUDA_ARCH__ >= 800
    asm volatile("clmad.lo.u64 %0, %1, %2, %0;" : "+l"(c) : "l"(a), "l"(b));
#else
    (void)a, (void)b;
#endif
    return c;
}

FN u64 carryless_high(u64 a, u64 b, u64 c)
{
#if HAS_CLMAD && __CUDA_ARCH__ >= 800
    asm volatile("clmad.hi.u64 %0, %1, %2, %0;" : "+l"(c) : "l"(a), "l"(b));
#else
    (void)a, (void)b;
#endif
    return c;
}

FN void multiply_bits(int c[4], const u32 a[6])
{
#if __CUDA_ARCH__ >= 800
    asm volatile("mma.sync.aligned.m16n8k256.row.col.s32.b1.b1.s32.and.popc "
                 "{%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
                 : "+r"(c[0]), "+r"(c[1]), "+r"(c[2]), "+r"(c[3])
                 : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(a[4]), "r"(a[5]));
#else
    (void)c, (void)a;
#endif
}

/* ----------------------------------------------------------------------------------- kernels -- */

extern __shared__ u32 table[];

/* Computes both halves of 32 products: factors a[0 .. 31] and a[32 .. 63], addends a[64 .. 95]. */
static __global__ void products(const u64 *a, u64 *result)
{
    const u32 i = threadIdx.x;
    result[2 * i] = carryless_low(a[i], a[LANES + i], a[2 * LANES + i]);
    result[2 * i + 1] = carryless_high(a[i], a[LANES + i], a[2 * LANES + i]);
}

/* The state of a chain, of which an operation changes a part. */
struct chain {
    u32 word;
    u64 wide;
    int counts[4];
};

/* The values that stay the same in a thread's loop. */
struct constants {
    u32 own, one, bits[6]; /* the address of the lane's own bank; a factor; a matrix of bits */
    u64 factor;
};

template <operation op> FN void step(chain &c, const constants &k)
{
    if (op == LOAD_SHARED)
        c.word = load_word(k.own + (c.word & (TABLE_BYTES - 128)));
    if (op == DOT_BYTES)
        c.word = dot_bytes(c.word, k.one, k.own);
    if (op == LOGIC)
        c.word = exclusive_or(c.word, k.one, k.own);
    if (op == MULTIPLY)
        c.wide = multiply((u32)c.wide, k.one);
    if (op == CARRYLESS)
        c.wide = carryless_low(c.wide, k.factor, c.wide);
    if (op == CARRYLESS_2)
        c.wide = carryless_high(c.wide, k.factor, carryless_low(c.wide, k.factor, 0));
    if (op == MATRIX)
        multiply_bits(c.counts, k.bits);
    if (op == LOOKUP)
        c.word = exclusive_or(load_word(dot_bytes(c.word, k.one & 128, k.own)), c.word, k.one);
}

template <operation op> static __global__ void rate(u32 *out, u32 seed, int loops, u64 *clocks)
{
    chain c[CHAINS] = {};
    constants k = {};
    k.own = (u32)__cvta_generic_to_shared(table) + 4 * (threadIdx.x % LANES);
    k.one = seed | 128;
    k.factor = seed * UINT64_C(0x9e3779b97f4a7c15);
    for (u32 i = threadIdx.x; i < TABLE_WORDS; i += blockDim.x)
        table[i] = i * 2654435761u ^ seed;
    for (u32 i = 0; i < CHAINS; i++) {
        c[i].word = seed * (i + 7 + threadIdx.x);
        c[i].wide = k.factor * (c[i].word | 1);
        if (i < 6)
            k.bits[i] = c[i].word;
    }
    __syncthreads();
    const long long begin = clock64();
#pragma unroll 1
    for (int loop = 0; loop < loops; loop++) {
#pragma unroll
        for (int i = 0; i < CHAINS; i++)
            step<op>(c[i], k);
    }
    const long long end = clock64();
    /* The results are stored, so that the compiler cannot leave out the loop. */
    u32 all = 0;
    for (int i = 0; i < CHAINS; i++) {
        all ^= c[i].word ^ (u32)c[i].wide ^ (u32)(c[i].wide >> 32);
        for (int j = 0; j < 4; j++)
            all ^= (u32)c[i].counts[j];
    }
    out[blockIdx.x * blockDim.x + threadIdx.x] = all;
    if (threadIdx.x == 0)
        clocks[blockIdx.x] = (u64)(end - begin);
}

/* -------------------------------------------------------------------------------------- host -- */

enum { THREADS_MIN = 128, THREADS_MAX = 512, EXIT_NO_DEVICE = 77 };

/* The device, and the buffers that all measurements on it share. */
struct device {
    cudaDeviceProp properties;
    u32 *out;    /* a word for each thread */
    u64 *clocks; /* clocks of each block */
};

/* Returns true, or complains where a call has failed. */
static bool fine(const char *what, cudaError_t error)
{
    if (error != cudaSuccess)
        printf("%s: FAILED: %s\n", what, cudaGetErrorString(error));
    return error == cudaSuccess;
}

static bool device_open(device &d)
{
    return fine("the device's properties", cudaGetDeviceProperties(&d.properties, 0)) &&
           fine("memory", cudaMalloc(&d.out, sizeof *d.out * THREADS_MAX *
                                                 (size_t)d.properties.multiProcessorCount)) &&
           fine("memory",
                cudaMalloc(&d.clocks, sizeof *d.clocks * (size_t)d.properties.multiProcessorCount));
}

/* Measures an operation, of which each thread does `operations` a step: 1 / 32 where a warp does
 * one together. */
template <operation op> static bool measure(device &d, const char *name, double operations)
{
    std::vector<u64> clocks((size_t)d.properties.multiProcessorCount);
    if (!fine(name, cudaFuncSetAttribute(rate<op>, cudaFuncAttributeMaxDynamicSharedMemorySize,
                                         TABLE_BYTES)))
        return false;
    for (int threads = THREADS_MIN; threads <= THREADS_MAX; threads *= 2) {
        u64 most = 0;
        rate<op><<<d.properties.multiProcessorCount, threads, TABLE_BYTES>>>(d.out, 12345, LOOPS,
                                                                             d.clocks);
        if (!fine(name, cudaGetLastError()) ||
            !fine(name, cudaMemcpy(clocks.data(), d.clocks, clocks.size() * sizeof clocks[0],
                                   cudaMemcpyDeviceToHost)))
            return false;
        for (const u64 spent : clocks)
            most = spent > most ? spent : most;
        printf("%-28s %3d threads %8.3f a clock and multiprocessor\n", name, threads,
               operations * threads * LOOPS * CHAINS / (double)most);
    }
    return true;
}

/* Computes the low and the high half of the carry-less product of a and b, bit by bit. */
static void product_of(u64 a, u64 b, u64 half[2])
{
    half[0] = half[1] = 0;
    for (int i = 0; i < 64; i++) {
        if (a >> i & 1) {
            half[0] ^= b << i;
            half[1] ^= i > 0 ? b >> (64 - i) : 0;
        }
    }
}

static bool products_right()
{
    u64 a[3 * LANES], found[2 * LANES], half[2], *inputs = nullptr, *results = nullptr;
    int wrong = 0;
    for (int i = 0; i < 3 * LANES; i++)
        a[i] = (u64)(i + 1) * UINT64_C(0xd1342543de82ef95);
    if (!fine("memory", cudaMalloc(&inputs, sizeof a)) ||
        !fine("memory", cudaMalloc(&results, sizeof found)) ||
        !fine("clmad", cudaMemcpy(inputs, a, sizeof a, cudaMemcpyHostToDevice)))
        return false;
    products<<<1, LANES>>>(inputs, results);
    if (!fine("clmad", cudaMemcpy(found, results, sizeof found, cudaMemcpyDeviceToHost)))
        return false;
    for (int i = 0; i < LANES; i++) {
        product_of(a[i], a[LANES + i], half);
        wrong += found[2 * i] != (half[0] ^ a[2 * LANES + i]) ||
                 found[2 * i + 1] != (half[1] ^ a[2 * LANES + i]);
    }
    printf("clmad: %d of %d products wrong\n", wrong, (int)LANES);
    return fine("memory", cudaFree(inputs)) && fine("memory", cudaFree(results)) && wrong == 0;
}

int main()
{
    int devices = 0;
    device d = {};
    if (cudaGetDeviceCount(&devices) != cudaSuccess || devices == 0) {
        printf("no CUDA device\n");
        return EXIT_NO_DEVICE;
    }
    if (!device_open(d))
        return 1;
    printf("%s, %d multiprocessors\n", d.properties.name, d.properties.multiProcessorCount);
    bool good = measure<LOAD_SHARED>(d, "LDS.32, own bank", 1);
    good = measure<DOT_BYTES>(d, "dp4a", 1) && good;
    good = measure<LOGIC>(d, "lop3", 1) && good;
    good = measure<MULTIPLY>(d, "mul.wide.u32", 1) && good;
    good = measure<LOOKUP>(d, "dp4a, LDS, lop3 in turn", 1) && good;
    if (d.properties.major < 8) {
        printf("b1 mma and clmad: left out below compute capability 8.0\n");
        return good ? 0 : 1;
    }
    good = measure<MATRIX>(d, "b1 mma.m16n8k256 (of a warp)", 1.0 / LANES) && good;
    if (!HAS_CLMAD) {
        printf("clmad: left out, as nvcc was older than 13.3\n");
        return good ? 0 : 1;
    }
    good = products_right() && good;
    good = measure<CARRYLESS>(d, "clmad.lo", 1) && good;
    good = measure<CARRYLESS_2>(d, "clmad.lo + clmad.hi", 2) && good;
    return good ? 0 : 1;
}
