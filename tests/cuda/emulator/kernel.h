// What a compiled kernel tells the emulated driver.
#pragma once

namespace emulated {

struct Grid {
    unsigned int grid[3], block[3];
    int reverse;  // run the last block and the last thread first
};

struct Kernel {
    void (*launch)(void** arguments, const Grid& grid);  // arguments[k] points to the k-th one
    unsigned int n_arguments;
    const unsigned int* sizes;  // of the arguments, in bytes
};

}  // namespace emulated
