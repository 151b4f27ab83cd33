using System.Security.Cryptography;
using System.Text;
using DeepEdu.Education.Data;

namespace DeepEdu.Education.Personal;

/// <summary>Names in place of names: the first 128 bits of HMAC-SHA256 (RFC 2104) under a secret key. The same key gives the same pseudonym in every file and column; without it nobody can tell whose it is, nor try out names.</summary>
internal sealed class KeyedPseudonyms
{
    private const int Shortest = 16, Made = 32, Bytes = 16;
    private readonly byte[] _key;

    private KeyedPseudonyms(byte[] key) => _key = key;

    /// <summary>Reads a key: all bytes of the file but line ends at its end. The key is shown nowhere.</summary>
    public static KeyedPseudonyms Of(string path)
    {
        byte[] key;
        try { key = File.ReadAllBytes(path); }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException) { throw new DataException($"--key-file {path}: {e.Message} Make one by 'data key {path}', and keep it apart from the data."); }
        int length = key.AsSpan().TrimEnd("\r\n"u8).Length;
        if (length < Shortest) { throw new DataException($"--key-file {path}: has {length} bytes; a key that cannot be guessed has {Shortest} or more. Make one by 'data key FILE'."); }
        return new(key[..length]);
    }

    /// <summary>Makes a file with 256 random bits as text, readable by its owner alone where the system knows owners.</summary>
    public static void Make(string path)
    {
        if (File.Exists(path)) { throw new DataException($"{path}: is there already; a key that is written over is lost, and with it what its pseudonyms have in common with later ones."); }
        FileStreamOptions options = new() { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows()) { options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite; }
        using FileStream file = new(path, options);
        file.Write(Encoding.ASCII.GetBytes(Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(Made)) + "\n"));
    }

    /// <summary>The pseudonym of a value as it is written, but for spaces around it: p and 32 digits, which no reader takes for a number. Not brought into one form of Unicode, for systems without tables of it would give other pseudonyms.</summary>
    public string Pseudonym(string value) => $"p{Convert.ToHexStringLower(HMACSHA256.HashData(_key, Encoding.UTF8.GetBytes(value.Trim())).AsSpan(0, Bytes))}";

    /// <summary>Copies a table with pseudonyms in some columns; what is missing stays missing.</summary>
    /// <returns>How many rows there are, and how many values were replaced.</returns>
    public (long Rows, long Replaced) Copy(TableCopy table, int[] columns, string to)
    {
        long rows = 0, replaced = 0;
        table.Write(to, (_, fields) =>
        {
            rows++;
            foreach (int c in columns)
            {
                if (TableRow.IsMissing(fields[c])) { continue; }
                fields[c] = Pseudonym(fields[c]);
                replaced++;
            }
            return fields;
        });
        return (rows, replaced);
    }
}
