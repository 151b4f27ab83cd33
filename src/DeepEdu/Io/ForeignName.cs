namespace DeepEdu.Io;

/// <summary>Names of files that promise another format than the one that is written.</summary>
internal static class ForeignName
{
    private static readonly string[] s_always = [".h5", ".hdf5", ".keras", ".onnx", ".npz", ".npy", ".gguf", ".tflite"];

    /// <exception cref="ArgumentException">The path ends as files of another format do, always or for this writer.</exception>
    public static void ThrowIf(string path, string written, string instead, params ReadOnlySpan<string> others)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        string extension = Path.GetExtension(path).ToLowerInvariant();
        if (Array.IndexOf(s_always, extension) < 0 && others.IndexOf(extension) < 0) { return; }
        throw new ArgumentException($"save: {path} would be {written} under the name of another format; {instead}", nameof(path));
    }
}
