using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;

namespace DeepEdu.Education.Saved;

/// <summary>A hash of data as they were read, so that a training is taken up on the same ones only, whatever their files are called and however they are packed.</summary>
internal static class Fingerprint
{
    /// <summary>The hash of texts and arrays of numbers, and of how long each is. Several texts count as one with a line each.</summary>
    public static string Of(params IEnumerable<object> values)
    {
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (object value in values)
        {
            if (value is IReadOnlyCollection<string> lines)
            {
                hash.AppendData(BitConverter.GetBytes((int)(lines.Sum(l => (long)Encoding.UTF8.GetByteCount(l)) + Math.Max(0, lines.Count - 1))));
                foreach (var (at, line) in lines.Index()) { hash.AppendData(Encoding.UTF8.GetBytes(at == 0 ? line : $"\n{line}")); }
                continue;
            }
            ReadOnlySpan<byte> bytes = value switch
            {
                string text => Encoding.UTF8.GetBytes(text),
                int[] numbers => MemoryMarshal.AsBytes<int>(numbers),
                float[] numbers => MemoryMarshal.AsBytes<float>(numbers),
                _ => throw new ArgumentException($"fingerprint: a {value.GetType().Name}", nameof(values)),
            };
            hash.AppendData(BitConverter.GetBytes(bytes.Length));
            hash.AppendData(bytes);
        }
        return $"sha256:{Convert.ToHexStringLower(hash.GetHashAndReset())}";
    }
}
