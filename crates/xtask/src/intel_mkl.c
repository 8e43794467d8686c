/* Loaded before MKL, which asks these whether the processor is Intel's before it takes its AVX-512 and AVX2 code. */

int mkl_serv_intel_cpu_true(void) { return 1; }
int mkl_serv_intel_cpu(void) { return 1; }
