using System.Text;

namespace DeepEdu.Tests.Education;

/// <summary>Tests with a folder of their own, gone after each.</summary>
public abstract class FolderTests : IDisposable
{
    protected string Folder { get; } = Directory.CreateTempSubdirectory("deepedu").FullName;

    public virtual void Dispose()
    {
        Directory.Delete(Folder, recursive: true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Writes a file into the folder and gives its path.</summary>
    protected string Write(string name, string text, Encoding? encoding = null)
    {
        string path = Path.Combine(Folder, name);
        File.WriteAllText(path, text, encoding ?? new UTF8Encoding(false));
        return path;
    }
}
