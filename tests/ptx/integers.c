/* Integers, at the ends of their types: the manual's "Integer Arithmetic Instructions" and cvt. */
#include "rows.h"

#include <stddef.h>

const char *const INTEGER_ROWS[] = {
    "add.u16: ffff 0002 = 0001; 7fff 0001 = 8000; 1234 ae4b = c07f",
    "sub.u16: 0000 0001 = ffff; 8000 0001 = 7fff; 1234 ae4b = 63e9",
    "mul.lo.u16: ffff ffff = 0001; 7fff 0002 = fffe; 1234 ae4b = ad3c",
    "mad.lo.u16: ffff ffff ffff = 0000; 7fff 0002 0003 = 0001; 1234 ae4b 1234 = bf70",
    "add.s16: ffff 0002 = 0001; 7fff 0001 = 8000; 1234 ae4b = c07f",
    "sub.s16: 0000 0001 = ffff; 8000 0001 = 7fff; 1234 ae4b = 63e9",
    "mul.lo.s16: ffff ffff = 0001; 7fff 0002 = fffe; 1234 ae4b = ad3c",
    "mad.lo.s16: ffff ffff ffff = 0000; 7fff 0002 0003 = 0001; 1234 ae4b 1234 = bf70",
    "neg.s16: 0000 = 0000; 0001 = ffff; 8000 = 8000; 1234 = edcc",
    "div.u16: ffff 8000 = 0001; 7fff 8000 = 0000; 1234 0007 = 0299; ffff 0001 = ffff",
    "rem.u16: ffff 8000 = 7fff; 7fff 8000 = 7fff; 1234 0007 = 0005; ffff 0001 = 0000",
    "min.u16: 8000 7fff = 7fff; 7fff 8000 = 7fff; 1234 1234 = 1234; 0000 ffff = 0000",
    "max.u16: 8000 7fff = 8000; 7fff 8000 = 8000; 1234 1234 = 1234; 0000 ffff = ffff",
    "min.s16: 8000 7fff = 8000; 7fff 8000 = 8000; 1234 1234 = 1234; 0000 ffff = ffff",
    "max.s16: 8000 7fff = 7fff; 7fff 8000 = 7fff; 1234 1234 = 1234; 0000 ffff = 0000",
    "add.u32: ffffffff 00000002 = 00000001; 7fffffff 00000001 = 80000000; "
    "89abcdef 9aeda8a2 = 24997691",
    "sub.u32: 00000000 00000001 = ffffffff; 80000000 00000001 = 7fffffff; "
    "89abcdef 9aeda8a2 = eebe254d",
    "mul.lo.u32: ffffffff ffffffff = 00000001; 7fffffff 00000002 = fffffffe; "
    "89abcdef 9aeda8a2 = 4a20293e",
    "mad.lo.u32: ffffffff ffffffff ffffffff = 00000000; 7fffffff 00000002 00000003 = 00000001; "
    "89abcdef 9aeda8a2 89abcdef = d3cbf72d",
    "add.s32: ffffffff 00000002 = 00000001; 7fffffff 00000001 = 80000000; "
    "89abcdef 9aeda8a2 = 24997691",
    "sub.s32: 00000000 00000001 = ffffffff; 80000000 00000001 = 7fffffff; "
    "89abcdef 9aeda8a2 = eebe254d",
    "mul.lo.s32: ffffffff ffffffff = 00000001; 7fffffff 00000002 = fffffffe; "
    "89abcdef 9aeda8a2 = 4a20293e",
    "mad.lo.s32: ffffffff ffffffff ffffffff = 00000000; 7fffffff 00000002 00000003 = 00000001; "
    "89abcdef 9aeda8a2 89abcdef = d3cbf72d",
    "neg.s32: 00000000 = 00000000; 00000001 = ffffffff; 80000000 = 80000000; "
    "89abcdef = 76543211",
    "div.u32: ffffffff 80000000 = 00000001; 7fffffff 80000000 = 00000000; "
    "89abcdef 00000007 = 13aad446; ffffffff 00000001 = ffffffff",
    "rem.u32: ffffffff 80000000 = 7fffffff; 7fffffff 80000000 = 7fffffff; "
    "89abcdef 00000007 = 00000005; ffffffff 00000001 = 00000000",
    "min.u32: 80000000 7fffffff = 7fffffff; 7fffffff 80000000 = 7fffffff; "
    "89abcdef 89abcdef = 89abcdef; 00000000 ffffffff = 00000000",
    "max.u32: 80000000 7fffffff = 80000000; 7fffffff 80000000 = 80000000; "
    "89abcdef 89abcdef = 89abcdef; 00000000 ffffffff = ffffffff",
    "min.s32: 80000000 7fffffff = 80000000; 7fffffff 80000000 = 80000000; "
    "89abcdef 89abcdef = 89abcdef; 00000000 ffffffff = ffffffff",
    "max.s32: 80000000 7fffffff = 7fffffff; 7fffffff 80000000 = 7fffffff; "
    "89abcdef 89abcdef = 89abcdef; 00000000 ffffffff = 00000000",
    "add.u64: ffffffffffffffff 0000000000000002 = 0000000000000001; "
    "7fffffffffffffff 0000000000000001 = 8000000000000000; "
    "0123456789abcdef 0c93a7b79aeda8a2 = 0db6ed1f24997691",
    "sub.u64: 0000000000000000 0000000000000001 = ffffffffffffffff; "
    "8000000000000000 0000000000000001 = 7fffffffffffffff; "
    "0123456789abcdef 0c93a7b79aeda8a2 = f48f9dafeebe254d",
    "mul.lo.u64: ffffffffffffffff ffffffffffffffff = 0000000000000001; "
    "7fffffffffffffff 0000000000000002 = fffffffffffffffe; "
    "0123456789abcdef 0c93a7b79aeda8a2 = 58edcaa64a20293e",
    "mad.lo.u64: ffffffffffffffff ffffffffffffffff ffffffffffffffff = 0000000000000000; "
    "7fffffffffffffff 0000000000000002 0000000000000003 = 0000000000000001; "
    "0123456789abcdef 0c93a7b79aeda8a2 0123456789abcdef = 5a11100dd3cbf72d",
    "add.s64: ffffffffffffffff 0000000000000002 = 0000000000000001; "
    "7fffffffffffffff 0000000000000001 = 8000000000000000; "
    "0123456789abcdef 0c93a7b79aeda8a2 = 0db6ed1f24997691",
    "sub.s64: 0000000000000000 0000000000000001 = ffffffffffffffff; "
    "8000000000000000 0000000000000001 = 7fffffffffffffff; "
    "0123456789abcdef 0c93a7b79aeda8a2 = f48f9dafeebe254d",
    "mul.lo.s64: ffffffffffffffff ffffffffffffffff = 0000000000000001; "
    "7fffffffffffffff 0000000000000002 = fffffffffffffffe; "
    "0123456789abcdef 0c93a7b79aeda8a2 = 58edcaa64a20293e",
    "mad.lo.s64: ffffffffffffffff ffffffffffffffff ffffffffffffffff = 0000000000000000; "
    "7fffffffffffffff 0000000000000002 0000000000000003 = 0000000000000001; "
    "0123456789abcdef 0c93a7b79aeda8a2 0123456789abcdef = 5a11100dd3cbf72d",
    "neg.s64: 0000000000000000 = 0000000000000000; 0000000000000001 = ffffffffffffffff; "
    "8000000000000000 = 8000000000000000; 0123456789abcdef = fedcba9876543211",
    "div.u64: ffffffffffffffff 8000000000000000 = 0000000000000001; "
    "7fffffffffffffff 8000000000000000 = 0000000000000000; "
    "0123456789abcdef 0000000000000007 = 00299c335ccf668f; "
    "ffffffffffffffff 0000000000000001 = ffffffffffffffff",
    "rem.u64: ffffffffffffffff 8000000000000000 = 7fffffffffffffff; "
    "7fffffffffffffff 8000000000000000 = 7fffffffffffffff; "
    "0123456789abcdef 0000000000000007 = 0000000000000006; "
    "ffffffffffffffff 0000000000000001 = 0000000000000000",
    "min.u64: 8000000000000000 7fffffffffffffff = 7fffffffffffffff; "
    "7fffffffffffffff 8000000000000000 = 7fffffffffffffff; "
    "0123456789abcdef 0123456789abcdef = 0123456789abcdef; "
    "0000000000000000 ffffffffffffffff = 0000000000000000",
    "max.u64: 8000000000000000 7fffffffffffffff = 8000000000000000; "
    "7fffffffffffffff 8000000000000000 = 8000000000000000; "
    "0123456789abcdef 0123456789abcdef = 0123456789abcdef; "
    "0000000000000000 ffffffffffffffff = ffffffffffffffff",
    "min.s64: 8000000000000000 7fffffffffffffff = 8000000000000000; "
    "7fffffffffffffff 8000000000000000 = 8000000000000000; "
    "0123456789abcdef 0123456789abcdef = 0123456789abcdef; "
    "0000000000000000 ffffffffffffffff = ffffffffffffffff",
    "max.s64: 8000000000000000 7fffffffffffffff = 7fffffffffffffff; "
    "7fffffffffffffff 8000000000000000 = 7fffffffffffffff; "
    "0123456789abcdef 0123456789abcdef = 0123456789abcdef; "
    "0000000000000000 ffffffffffffffff = 0000000000000000",
    "mul.wide.u16: ffff ffff = fffe0001; 8000 7fff = 3fff8000; 1234 0003 = 0000369c",
    "mul.wide.u32: ffffffff ffffffff = fffffffe00000001; 80000000 7fffffff = 3fffffff80000000; "
    "89abcdef 00000003 = 000000019d0369cd",
    "mul.wide.s32: ffffffff ffffffff = 0000000000000001; 80000000 7fffffff = c000000080000000; "
    "89abcdef 00000003 = fffffffe9d0369cd",
    "mad.wide.u32: ffffffff ffffffff 00000001ffffffff = 0000000000000000; "
    "ffffffff ffffffff ffffffffffffffff = fffffffe00000000; "
    "00000003 00000005 0000000000000007 = 0000000000000016",
    "mul.hi.u32: ffffffff ffffffff = fffffffe; 80000000 00000002 = 00000001; "
    "89abcdef 89abcdef = 4a0955b6",
    "mul.hi.u64: ffffffffffffffff ffffffffffffffff = fffffffffffffffe; "
    "8000000000000000 0000000000000002 = 0000000000000001; "
    "0123456789abcdef 0123456789abcdef = 00014b66dc33f6ac",
    "cvt.s16.u16: 7fff = 7fff; 8000 = 8000; 8321 = 8321",
    "cvt.u32.u16: 7fff = 00007fff; 8000 = 00008000; 8321 = 00008321",
    "cvt.s32.u16: 7fff = 00007fff; 8000 = 00008000; 8321 = 00008321",
    "cvt.u64.u16: 7fff = 0000000000007fff; 8000 = 0000000000008000; 8321 = 0000000000008321",
    "cvt.s64.u16: 7fff = 0000000000007fff; 8000 = 0000000000008000; 8321 = 0000000000008321",
    "cvt.u16.s16: 7fff = 7fff; 8000 = 8000; 8321 = 8321",
    "cvt.u32.s16: 7fff = 00007fff; 8000 = ffff8000; 8321 = ffff8321",
    "cvt.s32.s16: 7fff = 00007fff; 8000 = ffff8000; 8321 = ffff8321",
    "cvt.u64.s16: 7fff = 0000000000007fff; 8000 = ffffffffffff8000; 8321 = ffffffffffff8321",
    "cvt.s64.s16: 7fff = 0000000000007fff; 8000 = ffffffffffff8000; 8321 = ffffffffffff8321",
    "cvt.u16.u32: 7fffffff = ffff; 80000000 = 0000; 76548321 = 8321",
    "cvt.s16.u32: 7fffffff = ffff; 80000000 = 0000; 76548321 = 8321",
    "cvt.s32.u32: 7fffffff = 7fffffff; 80000000 = 80000000; 76548321 = 76548321",
    "cvt.u64.u32: 7fffffff = 000000007fffffff; 80000000 = 0000000080000000; "
    "76548321 = 0000000076548321",
    "cvt.s64.u32: 7fffffff = 000000007fffffff; 80000000 = 0000000080000000; "
    "76548321 = 0000000076548321",
    "cvt.u16.s32: 7fffffff = ffff; 80000000 = 0000; 76548321 = 8321",
    "cvt.s16.s32: 7fffffff = ffff; 80000000 = 0000; 76548321 = 8321",
    "cvt.u32.s32: 7fffffff = 7fffffff; 80000000 = 80000000; 76548321 = 76548321",
    "cvt.u64.s32: 7fffffff = 000000007fffffff; 80000000 = ffffffff80000000; "
    "76548321 = 0000000076548321",
    "cvt.s64.s32: 7fffffff = 000000007fffffff; 80000000 = ffffffff80000000; "
    "76548321 = 0000000076548321",
    "cvt.u16.u64: 7fffffffffffffff = ffff; 8000000000000000 = 0000; fedcba9876548321 = 8321",
    "cvt.s16.u64: 7fffffffffffffff = ffff; 8000000000000000 = 0000; fedcba9876548321 = 8321",
    "cvt.u32.u64: 7fffffffffffffff = ffffffff; 8000000000000000 = 00000000; "
    "fedcba9876548321 = 76548321",
    "cvt.s32.u64: 7fffffffffffffff = ffffffff; 8000000000000000 = 00000000; "
    "fedcba9876548321 = 76548321",
    "cvt.s64.u64: 7fffffffffffffff = 7fffffffffffffff; 8000000000000000 = 8000000000000000; "
    "fedcba9876548321 = fedcba9876548321",
    "cvt.u16.s64: 7fffffffffffffff = ffff; 8000000000000000 = 0000; fedcba9876548321 = 8321",
    "cvt.s16.s64: 7fffffffffffffff = ffff; 8000000000000000 = 0000; fedcba9876548321 = 8321",
    "cvt.u32.s64: 7fffffffffffffff = ffffffff; 8000000000000000 = 00000000; "
    "fedcba9876548321 = 76548321",
    "cvt.s32.s64: 7fffffffffffffff = ffffffff; 8000000000000000 = 00000000; "
    "fedcba9876548321 = 76548321",
    "cvt.u64.s64: 7fffffffffffffff = 7fffffffffffffff; 8000000000000000 = 8000000000000000; "
    "fedcba9876548321 = fedcba9876548321",
    NULL,
};
