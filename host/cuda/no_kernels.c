/* Stands for the kernels in a build without nvcc: no driver takes it. */

#define NONE(name) const unsigned char cuda_##name##_fatbin[] = "built without nvcc";
extern const unsigned char cuda_aead_fatbin[], cuda_aead_add_fatbin[], cuda_aead_crypt_fatbin[],
    cuda_fcp_fatbin[], cuda_ghash_mma_fatbin[], cuda_mask_fatbin[], cuda_pack_fatbin[],
    cuda_quant_fatbin[], cuda_sum_fatbin[];
NONE(aead)
NONE(aead_add)
NONE(aead_crypt)
NONE(fcp)
NONE(ghash_mma)
NONE(mask)
NONE(pack)
NONE(quant)
NONE(sum)
