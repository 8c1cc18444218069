/* Quantisation, by whatever the compiler makes of it on any machine. */
#include "fallback/template/quant_template.h"

const quant_impl quant_portable = {
    .name = "portable", .quantize = quantize, .dequantize = dequantize};
