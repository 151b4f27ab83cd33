using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using DeepEdu.Numerics;
using DeepEdu.Tensors;

namespace DeepEdu.Data;

/// <summary>Words and their vectors, trained elsewhere: GloVe's text, word2vec's text (which begins with a line of two counts) and word2vec's ".bin". Plain, ".gz" or ".zip".
/// <code>
/// var vectors = WordVectors.Read("glove.6B.zip!glove.6B.100d.txt", keep: vocabulary.Has);
/// var table = vectors.ForVocabulary(vocabulary, rng);   // the values of an Embedding
/// </code></summary>
public sealed class WordVectors
{
    private const int Longest = 1 << 20;

    private readonly List<string> _words;
    private readonly Dictionary<string, int> _rows;

    private WordVectors(List<string> words, Dictionary<string, int> rows, Tensor values) => (_words, _rows, Values) = (words, rows, values);

    /// <summary>The words, in the order of the file: the most frequent first, as a rule.</summary>
    public IReadOnlyList<string> Words => _words;

    /// <summary>Their vectors [words, dimensions].</summary>
    public Tensor Values { get; }

    /// <summary>How long a vector is.</summary>
    public int Dimensions => Values.Shape[1];

    /// <summary>The row of a word; −1 if it is not there.</summary>
    public int Find(string word)
    {
        ArgumentNullException.ThrowIfNull(word);
        return _rows.GetValueOrDefault(word, -1);
    }

    /// <summary>Reads a file; of a word that stands twice, the first vector.</summary>
    /// <param name="path">The file.</param>
    /// <param name="keep">Which words are wanted, such as those of a vocabulary; all if null. Memory grows with these alone.</param>
    /// <param name="most">The most words to keep.</param>
    /// <exception cref="InvalidDataException">A line is not a word and as many numbers as the first has, or the file is cut off. Names file and line.</exception>
    public static WordVectors Read(string path, Predicate<string>? keep = null, int most = int.MaxValue)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(most);
        List<string> words = [];
        Dictionary<string, int> rows = new(StringComparer.Ordinal);
        List<float> values = [];
        int dimensions = 0;
        foreach (var (word, vector) in Stream(path))
        {
            dimensions = vector.Length;
            if (keep is not null && !keep(word) || !rows.TryAdd(word, words.Count)) { continue; }
            words.Add(word);
            values.AddRange(vector);
            if (words.Count == most) { break; }
        }
        return new(words, rows, Tensor.Wrap([.. values], [words.Count, dimensions]));
    }

    /// <summary>One word after the other, in memory that does not grow with the file. The array of a vector is used again for the next.</summary>
    public static IEnumerable<(string Word, float[] Vector)> Stream(string path)
        => DataFile.Kind(path) == ".bin" ? Binary(() => DataFile.Open(path), path) : Text(() => DataFile.Open(path), path);

    /// <summary>A row for each token of a vocabulary [tokens, dimensions]: its vector or, where there is none, normal numbers with the standard deviation of all values; zeros for
    /// <see cref="Vocabulary.Padding"/>.</summary>
    public Tensor ForVocabulary(Vocabulary vocabulary, Rng rng)
    {
        ArgumentNullException.ThrowIfNull(vocabulary);
        ArgumentNullException.ThrowIfNull(rng);
        int n = vocabulary.Count, d = Dimensions;
        float[] mine = Values.ToArray(), table = new float[n * d];
        double sum = 0, squares = 0;
        foreach (float x in mine) { (sum, squares) = (sum + x, squares + ((double)x * x)); }
        double mean = mine.Length > 0 ? sum / mine.Length : 0;
        float deviation = mine.Length > 0 ? (float)Math.Sqrt(Math.Max(0, (squares / mine.Length) - (mean * mean))) : 1;
        for (int i = 0; i < n; i++)
        {
            var row = table.AsSpan(i * d, d);
            if (Find(vocabulary[i]) is var at and >= 0) { mine.AsSpan(at * d, d).CopyTo(row); }
            else if (vocabulary[i] != Vocabulary.Padding) { rng.Split((ulong)i).FillNormal(row, 0, deviation); }
        }
        return Tensor.Wrap(table, [n, d]);
    }

    internal static IEnumerable<(string Word, float[] Vector)> Text(Func<Stream> open, string path)
    {
        using var file = open();
        var lines = new ByteLines(file, path);
        float[]? vector = null;
        long words = 0, stated = -1;
        while (lines.Next(out var line))
        {
            if (line.Span.TrimEnd((byte)' ').Length == 0) { continue; }
            if (lines.Number == 1 && Counts(line.Span, path) is { } counts)
            {
                (stated, vector) = (counts.Words, new float[counts.Dimensions]);
                continue;
            }
            string word = Line(line.Span, ref vector, path, lines.Number);
            words++;
            yield return (word, vector!);
        }
        if (stated >= 0 && words != stated) { throw new InvalidDataException($"{path}: its first line says {stated} words, {words} follow"); }
    }

    // the numbers are taken from the end, because a word may hold blanks
    private static string Line(ReadOnlySpan<byte> line, ref float[]? vector, string path, long number)
    {
        line = line.TrimEnd((byte)' ');
        vector ??= new float[line.Count((byte)' ')];
        for (int i = vector.Length - 1; i >= 0; i--)
        {
            int blank = line.LastIndexOf((byte)' ');
            if (blank <= 0 || !float.TryParse(line[(blank + 1)..], NumberStyles.Float, CultureInfo.InvariantCulture, out vector[i]))
            {
                throw new InvalidDataException($"{path}:{number}: not a word and {vector.Length} numbers: \"{Encoding.UTF8.GetString(line[Math.Max(0, line.Length - 40)..])}\"");
            }
            line = line[..blank].TrimEnd((byte)' ');
        }
        return Encoding.UTF8.GetString(line);
    }

    internal static IEnumerable<(string Word, float[] Vector)> Binary(Func<Stream> open, string path)
    {
        using var file = open();
        var bytes = new ByteLines(file, path);
        if (!bytes.Next(out var head) || Counts(head.Span, path) is not { } counts) { throw new InvalidDataException($"{path}: not word2vec's binary format: its first line is not two counts"); }
        float[] vector = new float[counts.Dimensions];
        for (long i = 0; i < counts.Words; i++)
        {
            string word;
            try
            {
                while (bytes.Peek() == '\n') { bytes.Skip(); } // some writers end each vector with one
                word = Encoding.UTF8.GetString(bytes.Until((byte)' '));
                bytes.ReadExactly(MemoryMarshal.AsBytes(vector.AsSpan()));
            }
            catch (EndOfStreamException e) { throw new InvalidDataException($"{path}: cut off at word {i} of {counts.Words}", e); }
            yield return (word, vector);
        }
        while (bytes.Peek() == '\n') { bytes.Skip(); }
        if (bytes.Peek() >= 0) { throw new InvalidDataException($"{path}: its first line says {counts.Words} words, more follow"); }
    }

    private static (long Words, int Dimensions)? Counts(ReadOnlySpan<byte> line, string path)
    {
        line = line.Trim((byte)' ');
        int blank = line.IndexOf((byte)' ');
        return blank > 0 && long.TryParse(line[..blank], NumberStyles.None, CultureInfo.InvariantCulture, out long words)
            && long.TryParse(line[(blank + 1)..], NumberStyles.None, CultureInfo.InvariantCulture, out long dimensions) && dimensions > 0
            ? (words, dimensions <= Longest ? (int)dimensions : throw new InvalidDataException($"{path}: its first line states vectors of {dimensions} numbers, at most {Longest} are read; is it another kind of file?")) : null;
    }
}
