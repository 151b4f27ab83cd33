using System.Buffers.Binary;
using System.IO.Compression;

namespace DeepEdu.Data;

/// <summary>Opens files of data, packed or not.</summary>
public static class DataFile
{
    /// <summary>A file's bytes from its beginning, unpacked on the way, in little memory whatever its size. The end of the name decides: ".gz" is gzip; ".zip" is the one file in the archive, or
    /// the one named after an exclamation mark: "words.zip!glove.6B.50d.txt"; all else is read as it is. The stream cannot seek. What is broken in it is told with the file's name.</summary>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="InvalidDataException">It is a folder; the archive is broken, or does not hold such a file; or, when reading, a packed file is cut off or damaged.</exception>
    public static Stream Open(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        int mark = path.IndexOf(".zip!", StringComparison.OrdinalIgnoreCase);
        string name = mark < 0 ? path : path[..(mark + 4)];
        if (name.EndsWith(".zip", StringComparison.OrdinalIgnoreCase)) { return Inside(name, mark < 0 ? null : path[(mark + 5)..]); }
        var file = Plain(path);
        return name.EndsWith(".gz", StringComparison.OrdinalIgnoreCase) ? new UnpackedStream(new GZipStream(file, CompressionMode.Decompress), path, file, crc => EndsWith(file, crc)) : file;
    }

    /// <summary>A file in a zip archive; the only one if no name is given.</summary>
    internal static Stream Inside(string name, string? inner)
    {
        var file = Plain(name);
        try
        {
            var zip = new ZipArchive(file, ZipArchiveMode.Read);
            var entry = Choose(zip, name, inner);
            return Checked(entry, inner is null ? name : $"{name}!{inner}", zip);
        }
        catch (Exception e)
        {
            file.Dispose();
            if (e is InvalidDataException && !e.Message.StartsWith(name, StringComparison.Ordinal)) { throw new InvalidDataException($"{name}: not a zip archive, or a broken one: {e.Message}", e); }
            throw;
        }
    }

    /// <summary>The content of an entry, whose checksum is asked for at its end.</summary>
    internal static Stream Checked(ZipArchiveEntry entry, string name, IDisposable? owner = null) => new UnpackedStream(entry.Open(), name, owner, crc => crc == entry.Crc32);

    /// <summary>A path's ending without ".gz", such as ".bin" of "vectors.bin.gz", in lower case.</summary>
    internal static string Kind(string path)
    {
        ArgumentNullException.ThrowIfNull(path);
        if (path.EndsWith(".gz", StringComparison.OrdinalIgnoreCase)) { path = path[..^3]; }
        return Path.GetExtension(path).ToLowerInvariant();
    }

    /// <summary>The path, if it is not a folder: of these the runtime says no more than that they are not to be read.</summary>
    /// <exception cref="InvalidDataException">It is one.</exception>
    internal static string NoFolder(string path) => Directory.Exists(path) ? throw new InvalidDataException($"{path}: is a folder; give a file") : path;

    private static FileStream Plain(string path) => new(NoFolder(path), FileMode.Open, FileAccess.Read, FileShare.Read, 1 << 16, FileOptions.SequentialScan);

    // GZipStream takes a file that was cut off for one that has ended. The checksum stands eight bytes before the end; of files that were joined, each part has its own, which
    // GZipStream has looked at.
    private static bool EndsWith(FileStream file, uint crc)
    {
        if (!file.CanSeek) { return true; }
        if (file.Length < 18) { return false; }
        byte[] block = new byte[(1 << 16) + 10];
        file.Position = file.Length - 8;
        file.ReadExactly(block, 0, 8);
        if (BinaryPrimitives.ReadUInt32LittleEndian(block) == crc) { return true; }
        bool joined = false;
        for (long at = 1; at < file.Length && !joined; at += 1 << 16)
        {
            file.Position = at;
            int n = file.ReadAtLeast(block, block.Length, throwOnEndOfStream: false);
            for (int i = 0; i < n - 9 && !joined; i++) { joined = block.AsSpan(i) is [0x1F, 0x8B, 8, < 32, _, _, _, _, 0 or 2 or 4, <= 13 or 255, ..]; }
        }
        file.Position = file.Length;
        return joined;
    }

    private static ZipArchiveEntry Choose(ZipArchive zip, string name, string? inner)
    {
        var files = zip.Entries.Where(e => e.Name.Length > 0).ToArray();
        var chosen = inner is null ? (files.Length == 1 ? files[0] : null) : files.FirstOrDefault(e => e.FullName == inner);
        return chosen ?? throw new InvalidDataException($"{name}: {(inner is null ? $"{files.Length} files are in this archive" : $"there is no \"{inner}\" in this archive")}; name one after '!', as in {Path.GetFileName(name)}!{(files.Length > 0 ? files[0].FullName : "file")}");
    }
}
