#pragma once
#include <complex>
template <class T> using complex = std::complex<T>;
