using DeepEdu.Lanes;

namespace DeepEdu.Devices;

/// <summary>Reads two recordings of one computation side by side, made of inputs of two sizes: what differs between them follows from the size.</summary>
internal interface ICallReader
{
    void Map<F>(Recording.Map<F> a, Recording.Map<F> b) where F : unmanaged, IMap;

    void Zip<F>(Recording.Zip<F> a, Recording.Zip<F> b) where F : unmanaged, IZip3;

    void Fold<F>(Recording.Fold<F> a, Recording.Fold<F> b) where F : unmanaged, IFold;

    void Launch<K>(Recording.Launch<K> a, Recording.Launch<K> b) where K : struct, IKernel;

    void Copy(Recording.Copy a, Recording.Copy b);

    void Fill(Recording.Fill a, Recording.Fill b);

    void Write(Recording.Write a, Recording.Write b);

    /// <summary>Something on the host.</summary>
    void Host(Recording.Call a, Recording.Call b);

    /// <summary>The recordings do different things here.</summary>
    void Differ();
}
