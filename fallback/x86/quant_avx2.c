/* Quantisation, eight 32-bit lanes at a time. */
#include "fallback/template/quant_template.h"

const quant_impl quant_avx2 = {.name = "avx2", .quantize = quantize, .dequantize = dequantize};
