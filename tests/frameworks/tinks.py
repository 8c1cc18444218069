"""Primitives of Tink with keys that the tests choose: an independent AES-GCM and sealed streams."""

import io

import tink
from tink import aead, secret_key_access, streaming_aead
from tink.proto import aes_gcm_hkdf_streaming_pb2, aes_gcm_pb2, common_pb2, tink_pb2

_TYPES = "type.googleapis.com/google.crypto.tink."


def _handle(kind: str, value: bytes) -> tink.KeysetHandle:
    keyset = tink_pb2.Keyset(primary_key_id=1)
    entry = keyset.key.add(key_id=1, status=tink_pb2.ENABLED, output_prefix_type=tink_pb2.RAW)
    entry.key_data.type_url = _TYPES + kind
    entry.key_data.value = value
    entry.key_data.key_material_type = tink_pb2.KeyData.SYMMETRIC
    return tink.proto_keyset_format.parse(keyset.SerializeToString(), secret_key_access.TOKEN)


def aes_gcm(key: bytes) -> aead.Aead:
    """AES-GCM whose ciphertexts are nonce (12 bytes), ciphertext, tag (16)."""
    aead.register()
    value = aes_gcm_pb2.AesGcmKey(key_value=key)
    return _handle("AesGcmKey", value.SerializeToString()).primitive(aead.Aead)


def stream(key: bytes, segment: int, derived: int = 32) -> streaming_aead.StreamingAead:
    """AES_GCM_HKDF with segments of this size."""
    streaming_aead.register()
    value = aes_gcm_hkdf_streaming_pb2.AesGcmHkdfStreamingKey(key_value=key)
    value.params.ciphertext_segment_size = segment
    value.params.derived_key_size = derived
    value.params.hkdf_hash_type = common_pb2.SHA256
    handle = _handle("AesGcmHkdfStreamingKey", value.SerializeToString())
    return handle.primitive(streaming_aead.StreamingAead)


class Kept(io.BytesIO):
    """Its bytes are still there after Tink has closed it."""

    kept = b""

    def close(self) -> None:
        if not self.closed:
            self.kept = self.getvalue()
        super().close()
