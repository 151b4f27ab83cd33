using System.Security.Cryptography;
using DeepEdu.Data;
using DeepEdu.Tensors;

namespace DeepEdu.Io;

/// <summary>What a checkpoint says about itself in its manifest.</summary>
public sealed record CheckpointInfo
{
    /// <summary>The name under which a <see cref="ModelRegistry"/> makes models of this kind; "" if it needs none.</summary>
    public string Architecture { get; init; } = "";

    /// <summary>What the model is constructed with: sizes, switches. No tensors.</summary>
    public StateDict Options { get; init; } = new();

    /// <summary>What was measured: "validation.loss", say. No tensors.</summary>
    public StateDict Metrics { get; init; } = new();

    /// <summary>The seed of the training.</summary>
    public ulong? Seed { get; init; }

    /// <summary>Which data it was trained on; see <see cref="HashOf"/>.</summary>
    public string? DataHash { get; init; }

    /// <summary>The SHA-256 of files' contents, one after another, as "sha256:" and 64 digits. Reads in small pieces, however large they are.</summary>
    public static string HashOf(params ReadOnlySpan<string> paths)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        byte[] buffer = new byte[1 << 16];
        foreach (string path in paths)
        {
            using var file = File.OpenRead(DataFile.NoFolder(path));
            for (int n; (n = file.Read(buffer)) > 0;) { hash.AppendData(buffer, 0, n); }
        }
        return $"sha256:{Convert.ToHexStringLower(hash.GetHashAndReset())}";
    }
}
