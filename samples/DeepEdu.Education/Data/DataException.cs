namespace DeepEdu.Education.Data;

/// <summary>Input that cannot be used. The message is one line that names the file, the line and the fix; the program ends with exit code 2.</summary>
internal sealed class DataException(string message) : Exception(message)
{
    public static DataException At(string path, int line, string what) => new($"{path}, line {line}: {what}");
}
