/* Quantisation, sixteen 32-bit lanes at a time. */
#include "fallback/template/quant_template.h"

const quant_impl quant_avx512 = {.name = "avx512", .quantize = quantize, .dequantize = dequantize};
