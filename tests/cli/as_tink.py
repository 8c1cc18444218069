"""Sealed files against Tink itself, both ways: as_tink.py COMMAND. Exit status 77: no Tink here."""

import io
import os
import subprocess
import sys
import tempfile

try:
    import tink
    from tink import secret_key_access, streaming_aead
    from tink.proto import aes_gcm_hkdf_streaming_pb2, common_pb2, tink_pb2
except ImportError as error:
    print(f"skipped: {error} (pip install tink)")
    sys.exit(77)

COMMAND = sys.argv[1]
TYPE = "type.googleapis.com/google.crypto.tink.AesGcmHkdfStreamingKey"
HEADER, TAG = 40, 16


def primitive(key, segment):
    """Tink's AES256_GCM_HKDF with this key and segment size."""
    value = aes_gcm_hkdf_streaming_pb2.AesGcmHkdfStreamingKey(key_value=key)
    value.params.ciphertext_segment_size = segment
    value.params.derived_key_size = 32
    value.params.hkdf_hash_type = common_pb2.SHA256
    keyset = tink_pb2.Keyset(primary_key_id=1)
    entry = keyset.key.add(
        key_id=1, status=tink_pb2.ENABLED, output_prefix_type=tink_pb2.RAW
    )
    entry.key_data.type_url = TYPE
    entry.key_data.value = value.SerializeToString()
    entry.key_data.key_material_type = tink_pb2.KeyData.SYMMETRIC
    handle = tink.proto_keyset_format.parse(
        keyset.SerializeToString(), secret_key_access.TOKEN
    )
    return handle.primitive(streaming_aead.StreamingAead)


class Kept(io.BytesIO):
    """Still there after Tink has closed it."""

    def close(self):
        self.bytes = self.getvalue()
        super().close()


def parseal(command, folder, key, text, aad, bytes_in):
    """`parseal COMMAND` of bytes."""
    paths = [os.path.join(folder, n) for n in ("key", "in", "out", "aad")]
    for path, content in zip(paths, (key, bytes_in, b"", aad)):
        with open(path, "wb", opener=lambda p, f: os.open(p, f, 0o600)) as file:
            file.write(content)
    subprocess.run(
        [COMMAND, command, "--key-file", paths[0], "--aad-file", paths[3],
         "--segment", text, paths[1], "-o", paths[2]],
        check=True,
    )
    with open(paths[2], "rb") as file:
        return file.read()


def check(folder, text, segment, length, aad):
    key, plain = os.urandom(32), os.urandom(length)
    tinks = primitive(key, segment)

    def ours(command, bytes_in):
        return parseal(command, folder, key, text, aad, bytes_in)

    sealed = ours("seal", plain)
    with tinks.new_decrypting_stream(io.BytesIO(sealed), aad) as stream:
        assert stream.read() == plain, f"Tink opens {length} bytes differently"
    kept = Kept()
    with tinks.new_encrypting_stream(kept, aad) as stream:
        stream.write(plain)
    assert len(kept.bytes) == len(sealed), f"{length} bytes are sealed to another size"
    assert ours("open", kept.bytes) == plain, f"{length} bytes are opened differently"


def main():
    streaming_aead.register()
    count = 0
    with tempfile.TemporaryDirectory() as folder:
        for text, segment in (("4KB", 4096), ("1MB", 1 << 20)):
            first, rest = segment - HEADER - TAG, segment - TAG
            for end in (1, first, first + rest, first + 4 * rest):
                for length in (end - 1, end, end + 1):
                    check(folder, text, segment, length, b"" if count % 2 else b"round 7")
                    count += 1
    print(f"{count} files, both ways, with Tink")


main()
