using System.IO.Compression;
using DeepEdu.Data;
using DeepEdu.Tensors;

namespace DeepEdu.Io;

/// <summary>NumPy's files of several arrays (".npz"), as <c>np.savez</c> and <c>np.savez_compressed</c> write them: a zip of ".npy" files.
/// <code>
/// using var images = Npz.Open("mnist.npz", "x_train");
/// Tensor x = images.ReadTensor(divisor: 255);
/// </code></summary>
public static class Npz
{
    /// <summary>The names of the arrays.</summary>
    /// <exception cref="InvalidDataException">It is no zip archive, or a broken one.</exception>
    public static IReadOnlyList<string> Names(string path)
    {
        try
        {
            using var zip = ZipFile.OpenRead(DataFile.NoFolder(path));
            string[] names = [.. zip.Entries.Select(e => e.FullName).Where(n => n.EndsWith(".npy", StringComparison.Ordinal)).Select(n => n[..^4])];
            if (names.Length == 0 && zip.Entries.Count > 0) { throw new InvalidDataException($"it holds {Excerpt.Of(zip.Entries[0].FullName)} and no array, whose name would end in .npy"); }
            return names.CountBy(n => n).FirstOrDefault(n => n.Value > 1) is { Value: > 1 } twice ? throw new InvalidDataException($"two arrays are called \"{twice.Key}\"") : names;
        }
        catch (InvalidDataException e) when (!e.Message.StartsWith(path, StringComparison.Ordinal)) { throw new InvalidDataException($"{path}: not a NumPy archive, or a broken one: {e.Message}", e); }
    }

    /// <summary>Opens one array and reads its header.</summary>
    /// <exception cref="InvalidDataException">There is no such array; says which there are.</exception>
    public static ArrayReader Open(string path, string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        if (!Names(path).Contains(name)) { throw new InvalidDataException($"{path}: there is no array \"{name}\"; it holds {string.Join(", ", Names(path).Select(n => $"\"{n}\""))}"); }
        return Npy.Open(path, name);
    }

    /// <summary>One array of whole numbers, such as tokens or the numbers of learners: every one as it is, where <see cref="Read"/> makes float32 of them, which rounds beyond 2²⁴.</summary>
    /// <exception cref="InvalidDataException">There is no such array; its numbers are not whole or do not fit 32 bits; or it is broken.</exception>
    public static Indices ReadIndices(string path, string name)
    {
        using var reader = Open(path, name);
        return reader.ReadIndices();
    }

    /// <summary>All arrays as tensors; see <see cref="ReadIndices"/> for whole numbers.</summary>
    /// <exception cref="InvalidDataException">It is broken, or an array does not hold numbers.</exception>
    public static IReadOnlyDictionary<string, Tensor> Read(string path)
    {
        var all = new Dictionary<string, Tensor>(StringComparer.Ordinal);
        foreach (string name in Names(path))
        {
            using var reader = Npy.Open(path, name);
            all.Add(name, reader.ReadTensor());
        }
        return all;
    }

    /// <summary>Writes tensors as float32, as a whole or not at all.</summary>
    /// <exception cref="ArgumentException">A name is given twice.</exception>
    /// <exception cref="IOException">It could not be written; what stood there before still does.</exception>
    public static void Write(string path, params IReadOnlyList<(string Name, Tensor Value)> arrays)
    {
        NullItems.ThrowIfAny(arrays);
        if (arrays.CountBy(a => a.Name).FirstOrDefault(n => n.Value > 1) is { Value: > 1 } twice) { throw new ArgumentException($"npz: the name \"{twice.Key}\" is given twice", nameof(arrays)); }
        AtomicFile.Write(path, to =>
        {
            using var zip = new ZipArchive(to, ZipArchiveMode.Create, leaveOpen: true);
            foreach (var (name, value) in arrays)
            {
                using var entry = zip.CreateEntry($"{name}.npy", CompressionLevel.NoCompression).Open();
                Npy.Write(entry, value);
            }
        });
    }
}
