/* The table of operations: which function of arithmetic.h an instruction's name stands for. */
#include <tuple>

#include "arithmetic.h"

namespace ptx
{

namespace
{

/* An operand of all lanes: a row of registers, or a predicate. */
template <class T> struct source {
    const T *row;

    source(warp &w, const instruction &i, u32 registers_before, u32)
        : row(w.at<T>(i.from[registers_before]))
    {
    }
    T operator[](u32 lane) const
    {
        return row[lane];
    }
};

template <> struct source<bool> {
    u32 lanes;

    source(warp &w, const instruction &i, u32, u32 predicates_before)
        : lanes(lanes_where(w, i.p[predicates_before]))
    {
    }
    bool operator[](u32 lane) const
    {
        return (lanes >> lane & 1) != 0;
    }
};

/* How many of the first n operands are predicates. */
template <class... From> constexpr u32 predicates_before(size_t n)
{
    constexpr bool is_predicate[] = {std::is_same_v<From, bool>...};
    u32 count = 0;
    for (size_t i = 0; i < n; i++)
        count += is_predicate[i];
    return count;
}

template <class T> constexpr u8 width_of()
{
    return std::is_same_v<T, bool> ? 0 : sizeof(T);
}

/* A function of one lane's operands, for all lanes that run. */
template <auto of> struct lanes;

template <class To, class... From, To (*of)(From...)> struct lanes<of> {
    template <size_t... n>
    static void run_with(warp &w, const instruction &i, std::index_sequence<n...>)
    {
        constexpr u32 predicates[] = {predicates_before<From...>(n)...};
        const std::tuple<source<From>...> from{
            source<From>(w, i, (u32)n - predicates[n], predicates[n])...};
        if constexpr (std::is_same_v<To, bool>) {
            u32 result = 0;
            each(w.running, [&](u32 l) { result |= (u32)of(std::get<n>(from)[l]...) << l; });
            set_predicate(w, i.sets, result);
        } else {
            To *to = w.at<To>(i.to[0]);
            each(w.running, [&](u32 l) { to[l] = of(std::get<n>(from)[l]...); });
        }
    }

    static void run(warp &w, const instruction &i)
    {
        try {
            run_with(w, i, std::index_sequence_for<From...>{});
        } catch (const undefined &it) {
            fail(i, "%s", it.why);
        }
    }

    static operation row()
    {
        return {run, width_of<To>(), {width_of<From>()...}};
    }
};

using table = std::map<std::string, operation>;

template <class U, class S> void add_signed(table &t, const std::string &u, const std::string &s)
{
    for (const std::string &type : {u, s}) {
        t["add." + type] = lanes<add<U>>::row();
        t["sub." + type] = lanes<sub<U>>::row();
        t["mul.lo." + type] = lanes<mul_low<U>>::row();
        t["mad.lo." + type] = lanes<mad_low<U>>::row();
    }
    t["neg." + s] = lanes<neg<U>>::row();
    t["div." + u] = lanes<divide<U>>::row();
    t["rem." + u] = lanes<remainder<U>>::row();
    t["min." + u] = lanes<least<U>>::row();
    t["max." + u] = lanes<most<U>>::row();
    t["min." + s] = lanes<least<S>>::row();
    t["max." + s] = lanes<most<S>>::row();
    t["shr." + s] = lanes<shift_right_signed<S>>::row();
}

template <class T> void add_bits(table &t, const std::string &b, const std::string &u)
{
    t["and." + b] = lanes<bit_and<T>>::row();
    t["or." + b] = lanes<bit_or<T>>::row();
    t["xor." + b] = lanes<bit_xor<T>>::row();
    t["not." + b] = lanes<bit_not<T>>::row();
    t["shl." + b] = lanes<shift_left<T>>::row();
    t["shr." + b] = t["shr." + u] = lanes<shift_right<T>>::row();
}

template <class T> void add_moves(table &t, const std::string &type)
{
    t["mov." + type] = lanes<same<T>>::row();
    t["selp." + type] = lanes<select<T>>::row();
}

template <class T> void add_equality(table &t, const std::string &type)
{
    t["setp.eq." + type] = lanes<equal<T>>::row();
    t["setp.ne." + type] = lanes<not_equal<T>>::row();
}

template <class T> void add_order(table &t, const std::string &type)
{
    add_equality<T>(t, type);
    t["setp.lt." + type] = lanes<less<T>>::row();
    t["setp.le." + type] = lanes<less_or_equal<T>>::row();
    t["setp.gt." + type] = lanes<greater<T>>::row();
    t["setp.ge." + type] = lanes<greater_or_equal<T>>::row();
}

template <class U, class S> void add_integers(table &t, const std::string &bits)
{
    const std::string u = "u" + bits, s = "s" + bits, b = "b" + bits;
    add_signed<U, S>(t, u, s);
    add_bits<U>(t, b, u);
    add_order<U>(t, u);
    add_order<S>(t, s);
    add_equality<U>(t, b);
    for (const std::string &type : {u, s, b})
        add_moves<U>(t, type);
}

template <class T> void add_floats(table &t, const std::string &type)
{
    add_order<T>(t, type);
    t["setp.equ." + type] = lanes<not_different<T>>::row();
    t["setp.neu." + type] = lanes<not_ordered_and_equal<T>>::row();
    t["setp.ltu." + type] = lanes<not_greater_or_equal<T>>::row();
    t["setp.leu." + type] = lanes<not_greater<T>>::row();
    t["setp.gtu." + type] = lanes<not_less_or_equal<T>>::row();
    t["setp.geu." + type] = lanes<not_less<T>>::row();
    add_moves<T>(t, type);
    t["add.rn." + type] = lanes<add<T>>::row();
    t["sub.rn." + type] = lanes<sub<T>>::row();
    t["mul.rn." + type] = lanes<mul<T>>::row();
    t["div.rn." + type] = lanes<quotient<T>>::row();
    t["neg." + type] = lanes<negative<T>>::row();
}

template <class From> void add_conversions_of(table &t, const std::string &from)
{
    t["cvt.u16." + from] = lanes<convert<u16, From>>::row();
    t["cvt.s16." + from] = lanes<convert<s16, From>>::row();
    t["cvt.u32." + from] = lanes<convert<u32, From>>::row();
    t["cvt.s32." + from] = lanes<convert<s32, From>>::row();
    t["cvt.u64." + from] = lanes<convert<u64, From>>::row();
    t["cvt.s64." + from] = lanes<convert<s64, From>>::row();
    t.erase("cvt." + from + "." + from); /* a mov is that */
}

void add_conversions(table &t)
{
    add_conversions_of<u16>(t, "u16");
    add_conversions_of<s16>(t, "s16");
    add_conversions_of<u32>(t, "u32");
    add_conversions_of<s32>(t, "s32");
    add_conversions_of<u64>(t, "u64");
    add_conversions_of<s64>(t, "s64");
    t["cvt.rn.f32.s32"] = lanes<convert<float, s32>>::row();
    t["cvt.rn.f32.u32"] = lanes<convert<float, u32>>::row();
    t["cvt.rn.f32.f64"] = lanes<convert<float, double>>::row();
    t["cvt.f64.f32"] = lanes<convert<double, float>>::row();
    t["cvt.rn.f64.u64"] = lanes<convert<double, u64>>::row();
    t["cvt.rn.f64.u32"] = lanes<convert<double, u32>>::row();
    t["cvt.rzi.s32.f32"] = lanes<to_integer>::row();
    t["cvta.to.global.u64"] = lanes<same<u64>>::row(); /* global addresses are generic ones */
}

void add_single(table &t)
{
    t["mul.wide.u16"] = lanes<mul_wide<u32, u16>>::row();
    t["mul.wide.u32"] = lanes<mul_wide<u64, u32>>::row();
    t["mul.wide.s32"] = lanes<mul_wide<s64, s32>>::row();
    t["mad.wide.u32"] = lanes<mad_wide>::row();
    t["mul.hi.u32"] = lanes<mul_high<u64, u32>>::row();
    t["mul.hi.u64"] = lanes<mul_high<unsigned __int128, u64>>::row();
    t["popc.b32"] = lanes<count_ones<u32>>::row();
    t["popc.b64"] = lanes<count_ones<u64>>::row();
    t["clz.b32"] = lanes<count_leading_zeros<u32>>::row();
    t["clz.b64"] = lanes<count_leading_zeros<u64>>::row();
    t["prmt.b32"] = lanes<permute>::row();
    t["dp4a.u32.u32"] = lanes<dot_of_bytes>::row();
    t["shf.l.wrap.b32"] = lanes<funnel_left>::row();
    t["shf.r.wrap.b32"] = lanes<funnel_right>::row();
    t["bfi.b32"] = lanes<insert_bits<u32>>::row();
    t["bfi.b64"] = lanes<insert_bits<u64>>::row();
    t["clmad.lo.u64"] = lanes<carryless_mad<false>>::row();
    t["clmad.hi.u64"] = lanes<carryless_mad<true>>::row();
    t["and.pred"] = lanes<both>::row();
    t["or.pred"] = lanes<either>::row();
    t["xor.pred"] = lanes<one_of>::row();
    t["not.pred"] = lanes<opposite>::row();
    t["mov.pred"] = lanes<same<bool>>::row();
}

table filled()
{
    table t;
    add_integers<u16, s16>(t, "16");
    add_integers<u32, s32>(t, "32");
    add_integers<u64, s64>(t, "64");
    add_floats<float>(t, "f32");
    add_floats<double>(t, "f64");
    add_conversions(t);
    add_single(t);
    return t;
}

} // namespace

void nothing(warp &, const instruction &)
{
}

/* mov.b64 of a vector of two halves, the low one first */
void join_halves(warp &w, const instruction &i)
{
    u64 *to = w.at<u64>(i.to[0]);
    const u32 *low = w.at<u32>(i.from[0]), *high = w.at<u32>(i.from[1]);
    each(w.running, [&](u32 l) { to[l] = (u64)high[l] << 32 | low[l]; });
}

void part_halves(warp &w, const instruction &i)
{
    const u64 *from = w.at<u64>(i.from[0]);
    u32 *low = w.at<u32>(i.to[0]), *high = w.at<u32>(i.to[1]);
    each(w.running, [&](u32 l) {
        low[l] = (u32)from[l];
        high[l] = (u32)(from[l] >> 32);
    });
}

const std::map<std::string, operation> &operations()
{
    static const table t = filled();
    return t;
}

} // namespace ptx
