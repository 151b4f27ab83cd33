using System.Globalization;
using System.IO.Compression;
using CsvHelper;
using DeepEdu.Io;

namespace DeepEdu.Education.Report;

/// <summary>What a run told of each test case, beside the truth, so that any other number can be had from it: <c>predictions.csv.gz</c> in the folder of a task.</summary>
/// <param name="Header">Names of the columns.</param>
/// <param name="Rows">Made when they are written.</param>
internal sealed record Predictions(string[] Header, IEnumerable<string[]> Rows)
{
    private const string Name = "predictions.csv.gz";

    public static string In(string folder) => Path.Combine(folder, Name);

    /// <summary>As many digits as tell it from any other, for numbers that are rounded tie; of a network's numbers these are few.</summary>
    public static string Number(double value) => (float)value == value ? ((float)value).ToString("R", CultureInfo.InvariantCulture) : value.ToString("R", CultureInfo.InvariantCulture);

    public static string Number(int value) => value.ToString(CultureInfo.InvariantCulture);

    public void Write(string folder) => AtomicFile.Write(In(folder), file =>
    {
        using GZipStream packed = new(file, CompressionLevel.Optimal, leaveOpen: true);
        using StreamWriter text = new(packed);
        Write(text, Rows.Prepend(Header));
    });

    /// <summary>A table with commas between.</summary>
    public static void Write(TextWriter to, IEnumerable<string[]> lines)
    {
        using CsvWriter csv = new(to, CultureInfo.InvariantCulture, leaveOpen: true);
        foreach (string[] line in lines)
        {
            foreach (string field in line) { csv.WriteField(field); }
            csv.NextRecord();
        }
    }
}
