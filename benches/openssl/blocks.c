/* Times OpenSSL on blocks of file contents, used as EncFS 1.9.5 uses it: block by block, the IV of each from an
 * HMAC of its own, the key schedules made once. It writes no volume; it only answers what benches/content.rs asks
 * of encbox, under the same names, so that the two can be set side by side.
 *
 * With an argument it makes one short round of what benches/beside.rs does: runs of 1 MiB and key derivation. */
#include <math.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { IV_LEN = 16, MAX_RUN = 1 << 20 };

/* A measurement: how many samples, and seconds of each. */
static int sample_count = 100;
static double sample_time = 0.002;

static EVP_CIPHER_CTX *encryption, *decryption;
static HMAC_CTX *mac;
static unsigned char volume_iv[IV_LEN];

static void check(int done) {
  if (!done) {
    fputs("OpenSSL failed\n", stderr);
    exit(1);
  }
}

static void little_endian(unsigned char out[8], uint64_t value) {
  for (int i = 0; i < 8; i++) out[i] = (unsigned char)(value >> (8 * i));
}

/* SSL_Cipher::setIVec */
static void block_iv(unsigned char out[EVP_MAX_MD_SIZE], uint64_t seed) {
  unsigned char seed_bytes[8];
  unsigned int len;
  little_endian(seed_bytes, seed);
  check(HMAC_Init_ex(mac, NULL, 0, NULL, NULL));
  check(HMAC_Update(mac, volume_iv, IV_LEN));
  check(HMAC_Update(mac, seed_bytes, sizeof seed_bytes));
  check(HMAC_Final(mac, out, &len));
}

/* SSL_Cipher::blockEncode and blockDecode */
static void code(EVP_CIPHER_CTX *context, int encrypt, unsigned char *block, int len, uint64_t seed) {
  unsigned char iv[EVP_MAX_MD_SIZE];
  int done, last;
  block_iv(iv, seed);
  check(EVP_CipherInit_ex(context, NULL, NULL, NULL, iv, encrypt));
  check(EVP_CipherUpdate(context, block, &done, block, len));
  check(EVP_CipherFinal_ex(context, block + done, &last));
}

/* SSL_Cipher::MAC_64 */
static uint64_t mac64(const unsigned char *data, size_t len) {
  unsigned char digest[EVP_MAX_MD_SIZE], folded[8] = {0};
  unsigned int digest_len;
  check(HMAC_Init_ex(mac, NULL, 0, NULL, NULL));
  check(HMAC_Update(mac, data, len));
  check(HMAC_Final(mac, digest, &digest_len));
  for (unsigned int i = 0; i + 1 < digest_len; i++) folded[i % 8] ^= digest[i];
  uint64_t value = 0;
  for (int i = 0; i < 8; i++) value = value << 8 | folded[i];
  return value;
}

static void encrypt_run(unsigned char *run, size_t len, int block_len, int mac_len) {
  for (size_t at = 0; at < len; at += block_len) {
    unsigned char *block = run + at;
    if (mac_len) little_endian(block, mac64(block + mac_len, block_len - mac_len));
    code(encryption, 1, block, block_len, at / block_len);
  }
}

static void decrypt_run(unsigned char *run, size_t len, int block_len, int mac_len) {
  for (size_t at = 0; at < len; at += block_len) {
    unsigned char *block = run + at, expected[8];
    code(decryption, 0, block, block_len, at / block_len);
    if (mac_len) {
      little_endian(expected, mac64(block + mac_len, block_len - mac_len));
      check(memcmp(expected, block, mac_len) == 0);
    }
  }
}

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec + time.tv_nsec * 1e-9;
}

/* Nanoseconds of one run: the best of the samples, as the least disturbed by other programs. */
static double time_run(int decrypt, size_t len, int block_len, int mac_len) {
  static _Alignas(64) unsigned char run[MAX_RUN], ciphertext[MAX_RUN];
  double best = INFINITY;
  memset(run, 5, len);
  encrypt_run(run, len, block_len, mac_len);
  memcpy(ciphertext, run, len);
  for (int i = 0; i < sample_count; i++) {
    double spent = 0;
    long times = 0;
    for (; spent < sample_time; times++) {
      if (decrypt) memcpy(run, ciphertext, len);
      double start = now();
      if (decrypt)
        decrypt_run(run, len, block_len, mac_len);
      else
        encrypt_run(run, len, block_len, mac_len);
      spent += now() - start;
    }
    best = fmin(best, spent / times * 1e9);
  }
  return best;
}

/* Nanoseconds of an iteration of PBKDF2, for a key and an IV of AES-256. */
static double time_iteration(void) {
  enum { ITERATIONS = 20000 };
  static const char password[] = "correct horse battery staple";
  unsigned char salt[20], out[48];
  memset(salt, 1, sizeof salt);
  double start = now();
  check(PKCS5_PBKDF2_HMAC_SHA1(password, sizeof password - 1, salt, sizeof salt, ITERATIONS, sizeof out, out));
  return (now() - start) * 1e9 / ITERATIONS;
}

int main(int argc, char **argv) {
  (void)argv;
  int is_short = argc > 1;
  if (is_short) sample_count = 1, sample_time = 0.03;
  static const int key_bits[] = {256, 192}, block_lens[] = {1024, 4096}, mac_lens[] = {0, 8};
  static const char *sizes[] = {"1 block", "4 blocks", "128 KiB", "1 MiB"};
  unsigned char key[32];
  memset(key, 7, sizeof key);
  memset(volume_iv, 7, sizeof volume_iv);
  for (int k = 0; k < 2; k++) {
    const EVP_CIPHER *cipher = key_bits[k] == 256 ? EVP_aes_256_cbc() : EVP_aes_192_cbc();
    check((encryption = EVP_CIPHER_CTX_new()) && (decryption = EVP_CIPHER_CTX_new()) && (mac = HMAC_CTX_new()));
    check(EVP_EncryptInit_ex(encryption, cipher, NULL, key, NULL) && EVP_CIPHER_CTX_set_padding(encryption, 0));
    check(EVP_DecryptInit_ex(decryption, cipher, NULL, key, NULL) && EVP_CIPHER_CTX_set_padding(decryption, 0));
    check(HMAC_Init_ex(mac, key, key_bits[k] / 8, EVP_sha1(), NULL));
    for (int b = 0; b < 2; b++)
      for (int m = 0; m < 2; m++)
        for (int s = is_short ? 3 : 0; s < 4; s++) {
          size_t lens[] = {block_lens[b], 4 * block_lens[b], MAX_RUN / 8, MAX_RUN};
          for (int decrypt = 0; decrypt < 2; decrypt++) {
            double ns = time_run(decrypt, lens[s], block_lens[b], mac_lens[m]);
            printf("content/%scrypt/AES-%d %d MAC %d/%s\t%.0f ns\t%.3f GB/s\n", decrypt ? "de" : "en", key_bits[k],
                   block_lens[b], mac_lens[m], sizes[s], ns, lens[s] / ns);
          }
        }
    EVP_CIPHER_CTX_free(encryption);
    EVP_CIPHER_CTX_free(decryption);
    HMAC_CTX_free(mac);
  }
  printf("pbkdf2/AES-256\t%.1f ns\n", time_iteration());
  return 0;
}
