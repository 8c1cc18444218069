/* Quantisation, as the compiler makes vector code of its loops for any machine. */
#include "fallback/template/quant_template.h"

const quant_impl quant_portable = {
    .name = "portable", .quantize = quantize, .dequantize = dequantize};
